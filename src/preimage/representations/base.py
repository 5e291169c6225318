"""The interface of every representation Phi: codes of images, and the sizes that go with them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from preimage.names import LayerName
from preimage.preprocessing import Preprocessing
from preimage.representations.borrowing import ordinary_torch
from preimage.representations.code_grid import CodeGrid
from preimage.representations.execution import AUTO, Execution
from preimage.representations.flat_regions import FlatRegions
from preimage.representations.inner_product import inner_product_gradient
from preimage.representations.receptive_field import ReceptiveField
from preimage.representations.repeatable import repeatable
from preimage.representations.session import Session

if TYPE_CHECKING:
    from preimage.representations.layer import Layer


class Representation(nn.Module, ABC):
    """A differentiable map from images (N, D, H, W) to codes, batch first.

    Images are in the core's units: x = rgb - mean, rgb in 0..255. A code has the dtype and the
    device of its image. A subclass defines `name`, `preprocessing`, `forward`, `code_shape`,
    `image_size` and `stride`; everything else has a default.

    Attributes:
        name: the name that users know, such as "hog" or "vgg-m/conv4".
        preprocessing: the conversion of photos to images of the core, and back.
        ignores_contrast: whether a x + b with a > 0 has the same code as x.
        loss_weight: the default of C (section 5.2.1). If None, C of the settings applies.
        chooses_loss_weight: whether a fast solver chooses C by default; `loss_weight` is a guess.
        is_network: whether it is a layer of a network; Algorithm 1 then ends with its
            un-jittered stage even if nothing was jittered.
        code_axes: the smallest number of axes that the code of one image can have.
        weights: which weights were given in place of the network's own; see
            `preimage.networks.Network`.
    """

    name: str
    preprocessing: Preprocessing
    ignores_contrast: bool = False
    loss_weight: float | None = None
    chooses_loss_weight: bool = False
    is_network: bool = False
    code_axes: int = 3
    weights: Mapping[str, str] = MappingProxyType({})

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Return the codes of the images `x`, which are (N, D, H, W)."""

    @abstractmethod
    def code_shape(self, height: int, width: int) -> tuple[int, ...]:
        """Return the shape of an image's code; raise ValueError if the image is too small."""

    @abstractmethod
    def image_size(self, code_shape: tuple[int, ...]) -> tuple[int, int]:
        """Return height and width of an image whose code has this shape (without N)."""

    @property
    def layer_name(self) -> LayerName:
        """The name split into the network's name, empty if there is none, and the layer's."""
        return LayerName.parse(self.name)

    @property
    @abstractmethod
    def stride(self) -> int:
        """The number of pixels between neighboring components of the code."""

    @property
    def default_jitter(self) -> int:
        """T of Eq. 7 if the settings have none: shifts along each axis, 1 without jitter."""
        return 1

    @property
    def receptive_field(self) -> ReceptiveField | None:
        """The square that a component sees; None if it sees the whole image or is unknown."""
        return None

    @property
    def reach(self) -> int:
        """Rho of section 6: how far a component sees, in pixels; it can exceed the image."""
        return self.stride

    @property
    def default_size(self) -> tuple[int, int] | None:
        """Height and width of images if the caller names none; None if there is no default."""
        return self.preprocessing.size

    @property
    def layers(self) -> Mapping[str | None, Layer]:
        """The layers of a network by dotted name; a single layer has the key None."""
        return {}

    @property
    def network_module(self) -> nn.Module | None:
        """The network whose layer it is, or whose layers; None if it is no layer."""
        return next((layer.model for layer in self.layers.values()), None)

    def code_shapes(self, height: int, width: int) -> Mapping[str | None, tuple[int, ...]]:
        """Return the shape of each layer's code, by name; a single layer has the key None."""
        return {None: self.code_shape(height, width)}

    def code_grid(self, height: int, width: int) -> CodeGrid:
        """Return the channels and the grid of positions of an image's code.

        Raises:
            ValueError: if the image is too small, or the code has no channels.
        """
        return CodeGrid.from_shape(self.code_shape(height, width))

    def code_grids(self, height: int, width: int) -> Mapping[str | None, CodeGrid]:
        """Return the grid of each layer's code, by name; a single layer has the key None."""
        return {None: self.code_grid(height, width)}

    def outputs(self, x: Tensor) -> Mapping[str | None, Tensor]:
        """Return each layer's codes of the images `x`; a single layer has the key None."""
        return {None: self(x)}

    def gradient(self, codes: Tensor, x: Tensor, weights: Tensor) -> Tensor:
        """Return the gradient of the inner product of codes and weights with respect to `x`.

        `codes` are those of `x`, computed with gradients; `weights` has their shape.
        """
        gradient = inner_product_gradient(codes, x, weights)
        if gradient is None:
            raise ValueError(f"the codes of {self.name} do not depend on the image")
        return gradient

    def linearized(self, x: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """Return the codes of `x`, and the function that turns their gradient into that of `x`."""
        with torch.enable_grad():
            leaf = x.detach().requires_grad_()
            codes = self(leaf)
        return codes.detach(), lambda d_codes: self.gradient(codes, leaf, d_codes)

    def encode(self, images: Tensor) -> Tensor:
        """Return the codes of the images (N, D, H, W), without gradients.

        Images are in the core's units (0..255 minus the mean), as `preprocessing.load` returns
        them: `encode(preprocessing.load("photo.jpg")[None])`.

        On a CPU a network encodes one image at a time, since it rounds differently in batches.
        """
        with ordinary_torch(), repeatable(images.device), torch.no_grad():
            if self.is_network and images.device.type == "cpu":
                return torch.cat([self(image.clone()) for image in images.split(1)])
            codes: Tensor = self(images)
            return codes

    def from_stored(self, values: Tensor) -> Tensor:
        """Return the codes that whole numbers (N, ...) stand for, if codes are saved as such."""
        return values

    def session(
        self, device: torch.device, execution: Execution = AUTO
    ) -> AbstractContextManager[Session]:
        """Prepare the representation, with its network if any, for many calls on a device.

        Raises:
            ValueError: if the device does not support the mode of execution.
        """
        execution.check(device)
        return _plain_session(device)

    def relaxed(self, softness: float) -> Representation:
        """Return a smooth surrogate of this `softness` in 0..1; the same object if it has none.

        Fast solvers minimize through surrogates alone, of softness 1 down to 0.2, while the target
        is this representation's own code: both must be nearly the same for one image.
        """
        return self

    def fused(self) -> Representation:
        """Return this representation by compiled code, the same up to rounding, or as it is."""
        return self

    def flat_regions(self, codes: Tensor, size: tuple[int, int]) -> list[FlatRegions | None]:
        """Return the regions of an image that each code (N, ...) proves to be flat, or None."""
        return [None] * len(codes)


@contextmanager
def _plain_session(device: torch.device) -> Iterator[Session]:
    with repeatable(device):
        yield Session()
