"""The size of the images of activation maximization, and the place of each target on them.

The image for a target on a grid of responses is a little over twice as large as its receptive
field rho, and the target is the response at its center. As in the authors' code, several
targets can instead share one image, a mosaic of square cells: an odd number of responses, or
about 1.1 rho, wide. A cell has about a quarter of the pixels of a target's own image. For all
other targets, and if the network does not take the size that follows from rho, the images have
the size that the network takes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from preimage.losses import FunctionLoss, InnerProduct
from preimage.representations.base import Representation
from preimage.representations.receptive_field import Box, ReceptiveField
from preimage.targets import AnyTarget, FunctionTarget, Target

_IMAGE, _CELL = 2.1, 1.1
"""Sides of an image and of a cell, as multiples of the receptive field."""
_MULTIPLES = (1, 2, 4, 8, 16, 32, 64)
"""Numbers whose multiples the sides may have to be, as in a U-Net, which halves them often."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The size of the images, and where each target lies on them.

    Attributes:
        size: height and width.
        targets: the targets at their places, or functions.
        boxes: the part of the image that each target can see, or its cell of a mosaic.
        is_mosaic: whether the targets share an image.
    """

    size: tuple[int, int]
    targets: tuple[AnyTarget, ...]
    boxes: tuple[Box, ...]
    is_mosaic: bool = False

    @property
    def box(self) -> Box | None:
        """The part of its image that each target can see; None for the whole image."""
        box = self.boxes[0]
        return None if self.is_mosaic or box == Box(0, 0, *self.size) else box

    def place(self, representation: Representation) -> Tensor:
        """Return Phi_0 of each target that is no function, (targets, ...)."""
        grids = representation.code_grids(*self.size)
        placed = [target.place(grids) for target in self.targets if isinstance(target, Target)]
        return torch.stack(placed)

    def loss(
        self, representation: Representation, device: torch.device
    ) -> InnerProduct | FunctionLoss:
        """Return the loss of each target."""
        functions = [target for target in self.targets if isinstance(target, FunctionTarget)]
        if functions:
            shapes = representation.code_shapes(*self.size)
            return FunctionLoss([target.of_code(shapes) for target in functions])
        return InnerProduct(self.place(representation).to(device))

    def cells(self, images: Tensor, indices: Sequence[int]) -> Tensor:
        """Return one cell of each image (N, D, H, W); `indices` are of the cells' targets."""
        cells = []
        for image, index in zip(images, indices, strict=True):
            top, left, bottom, right = self.boxes[index]
            cells.append(image[:, top:bottom, left:right])
        return torch.stack(cells)


def separate_layout(
    representation: Representation,
    targets: Sequence[AnyTarget],
    size: int | tuple[int, int] | None,
) -> Layout:
    """Return the layout of one image for each target, all of one size.

    `size` is height and width, or the side of square images; the module describes the default.
    """
    size = (size, size) if isinstance(size, int) else size
    field = _field_inside(representation)
    if field is None or not all(target.is_central for target in targets):
        size = size or own_size(representation, targets)
        return Layout(size, tuple(targets), (Box(0, 0, *size),) * len(targets))
    if size is None:
        side = math.ceil(math.ceil(_IMAGE * field.size / field.stride) * field.stride)
        size = (side, side)
        if not _takes(representation, size):
            size = own_size(representation, targets)
    rows, columns = representation.code_grid(*size).grid
    box = field.box((rows // 2, columns // 2)).moved_into(size)
    return Layout(size, tuple(targets), (box,) * len(targets))


def mosaic_layout(representation: Representation, targets: Sequence[AnyTarget]) -> Layout:
    """Return the layout of one image for all targets, on a grid as square as can be."""
    field = _field_inside(representation)
    if field is None:
        raise ValueError(
            "a mosaic needs a layer whose receptive field is smaller than the image: the field of "
            f"{representation.name} is not; leave the mosaic out"
        )
    central = [target for target in targets if isinstance(target, Target) and target.is_central]
    if len(central) < len(targets):
        raise ValueError(
            "mosaic targets must be central responses, such as preimage.channel: the mosaic places "
            "them"
        )
    cell = 2 * math.ceil((_CELL * field.size / field.stride - 1) / 2) + 1
    columns = math.ceil(math.sqrt(len(targets)))
    rows = math.ceil(len(targets) / columns)
    sides = [math.ceil(count * cell * field.stride) for count in (rows, columns)]
    size = _rounded_up(representation, (sides[0], sides[1]))
    height, width = representation.code_grid(*size).grid
    top, left = (height - rows * cell) // 2, (width - columns * cell) // 2
    cells = [divmod(index, columns) for index in range(len(targets))]
    places = [(top + cell * v + cell // 2, left + cell * u + cell // 2) for v, u in cells]
    side = math.ceil(cell * field.stride)
    boxes = [field.box(place, side).moved_into(size) for place in places]
    placed = [target.at(v, u) for target, (v, u) in zip(central, places, strict=True)]
    return Layout(size, tuple(placed), tuple(boxes), is_mosaic=True)


def _field_inside(representation: Representation) -> ReceptiveField | None:
    """Return the receptive field of a component if it is smaller than the network's images."""
    field, own = representation.receptive_field, representation.preprocessing.size
    return field if field is not None and (own is None or field.size < min(own)) else None


def _takes(representation: Representation, size: tuple[int, int]) -> bool:
    """Tell whether a network takes images of a size."""
    try:
        representation.code_shape(*size)
    except ValueError:
        return False
    return True


def _rounded_up(representation: Representation, size: tuple[int, int]) -> tuple[int, int]:
    """Return the size, or the next multiples of a power of two if the network takes only those."""
    for multiple in _MULTIPLES:
        height, width = (-(-side // multiple) * multiple for side in size)
        if _takes(representation, (height, width)):
            return height, width
    return size


def own_size(representation: Representation, targets: Sequence[AnyTarget]) -> tuple[int, int]:
    """Return the representation's image size, or else that of directions that are whole codes."""
    if representation.default_size is not None:
        return representation.default_size
    features = [term.feature for target in targets for term in target.terms]
    shapes = {tuple(f.shape) for f in features if isinstance(f, Tensor) and f.ndim > 1}
    if len(shapes) != 1:
        raise ValueError(f"{representation.name} has no image size of its own: give one")
    return representation.image_size(shapes.pop())
