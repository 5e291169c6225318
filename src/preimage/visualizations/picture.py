"""How large the images of activation maximization are, and what each target sees of them.

A target on a grid of responses is looked for at the center of an image a little over twice
as large as its receptive field rho. As in the authors' code, several may instead share one
image, a mosaic of square cells that lie an odd number of responses apart, about 1.1 rho;
each then has about a quarter of the pixels to itself. All others have the network's size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from preimage.representations.base import Representation
from preimage.representations.receptive_field import Box, ReceptiveField
from preimage.targets import Target

_PICTURE = 2.1
_CELL = 1.1
"""Sides of a picture and of a cell in receptive fields."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An image, and what to show of it for each target.

    Attributes:
        size: height and width.
        targets: the targets at their places.
        boxes: the part of the image that is shown of each.
    """

    size: tuple[int, int]
    targets: tuple[Target, ...]
    boxes: tuple[Box, ...]

    def crops(self, images: Tensor, indices: Sequence[int]) -> Tensor:
        """What is shown of images (N, D, H, W), each for the target of this index."""
        crops = []
        for image, index in zip(images, indices, strict=True):
            top, left, bottom, right = self.boxes[index]
            crops.append(image[:, top:bottom, left:right])
        return torch.stack(crops)


def single(
    representation: Representation, targets: Sequence[Target], size: tuple[int, int] | None
) -> Picture:
    """An image for each target, all of one size.

    Raises:
        ValueError: if the representation has no image size of its own and none is given, or
            does not take images of this size.
    """
    field = _field_inside(representation)
    if field is None or not all(target.is_central for target in targets):
        chosen = size or own_size(representation, targets)
        return Picture(chosen, tuple(targets), (Box(0, 0, *chosen),) * len(targets))
    if size is None:
        side = math.ceil(_PICTURE * field.size / field.stride) * field.stride
        size = (side, side)
    shape = representation.code_shape(*size)
    middle = (shape[1] // 2, shape[2] // 2)
    box = field.box(middle).moved_into(size)
    return Picture(size, tuple(targets), (box,) * len(targets))


def mosaic(representation: Representation, targets: Sequence[Target]) -> Picture:
    """One image for all targets, on a grid as square as can be.

    Raises:
        ValueError: if the receptive field of the layer is not smaller than its images, or a
            target has a place of its own.
    """
    field = _field_inside(representation)
    if field is None:
        raise ValueError(
            f"a mosaic needs a layer whose receptive field is smaller than the image: that of "
            f"{representation.name} is not; leave the mosaic out"
        )
    if not all(target.is_central for target in targets):
        raise ValueError("the targets of a mosaic are central responses: a place is given to them")
    cell = 2 * math.ceil((_CELL * field.size / field.stride - 1) / 2) + 1
    columns = math.ceil(math.sqrt(len(targets)))
    rows = math.ceil(len(targets) / columns)
    size = (rows * cell * field.stride, columns * cell * field.stride)
    shape = representation.code_shape(*size)
    top, left = (shape[1] - rows * cell) // 2, (shape[2] - columns * cell) // 2
    cells = [divmod(index, columns) for index in range(len(targets))]
    places = [(top + cell * v + cell // 2, left + cell * u + cell // 2) for v, u in cells]
    boxes = [field.box(place, cell * field.stride).moved_into(size) for place in places]
    placed = [target.at(v, u) for target, (v, u) in zip(targets, places, strict=True)]
    return Picture(size, tuple(placed), tuple(boxes))


def _field_inside(representation: Representation) -> ReceptiveField | None:
    """The receptive field of a component, None where it is not smaller than the image."""
    field, own = representation.receptive_field, representation.preprocessing.size
    return field if field is not None and (own is None or field.size < min(own)) else None


def own_size(representation: Representation, targets: Sequence[Target]) -> tuple[int, int]:
    """The size that the representation has, or that directions of whole codes give.

    Raises:
        ValueError: if there is none.
    """
    if representation.default_size is not None:
        return representation.default_size
    features = [term.feature for target in targets for term in target.terms]
    shapes = {tuple(f.shape) for f in features if isinstance(f, Tensor) and f.ndim > 1}
    if len(shapes) != 1:
        raise ValueError(f"{representation.name} has no image size of its own: give one")
    return representation.image_size(shapes.pop())
