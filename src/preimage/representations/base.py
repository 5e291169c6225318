"""What every representation Phi offers: a code for an image, and the sizes that go with it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from preimage.preprocessing import Preprocessing
from preimage.representations.acceleration import check_acceleration
from preimage.representations.flat_regions import FlatRegions


class Representation(nn.Module, ABC):
    """A differentiable map from images (N, D, H, W) to codes, batch first.

    Images are in the core's units: zero-mean, 0..255 wide. A representation follows the
    dtype and the device of the image it is given.

    Attributes:
        name: what a user calls it, as in "hog" or "vgg-m/conv4".
        preprocessing: how a photo becomes an image of the core, and back.
        stride: pixels between neighboring components of the code.
        default_jitter: the shifts T along each axis where the settings leave them open;
            1 is no jitter (section 5.1).
        ignores_contrast: whether a code is the same for a x + b as for x, so that it tells
            neither brightness nor contrast.
        loss_weight: the default of C (section 5.2.1); None leaves it to the settings.
        is_network: whether it is a layer of a network; Algorithm 1 then ends with its
            un-jittered stage even where nothing was jittered.
        code_axes: the least number of axes of the code of one image.
    """

    name: str
    preprocessing: Preprocessing
    stride: int
    default_jitter: int = 1
    ignores_contrast: bool = False
    loss_weight: float | None = None
    is_network: bool = False
    code_axes: int = 3

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Codes of the images `x`, which are (N, D, H, W)."""

    @abstractmethod
    def code_shape(self, height: int, width: int) -> tuple[int, ...]:
        """Shape of the code of one H x W image; raises ValueError where it is too small."""

    def encode(self, images: Tensor) -> Tensor:
        """Codes of the images (N, D, H, W), without gradients.

        A network on a CPU sees one image after another: in a batch each would be rounded in
        another way, and take memory at the same time.
        """
        with torch.no_grad():
            if self.is_network and images.device.type == "cpu":
                return torch.cat([self(image.clone()) for image in images.split(1)])
            codes: Tensor = self(images)
            return codes

    def frozen(
        self, device: torch.device, accelerate: str = "auto"
    ) -> AbstractContextManager[None]:
        """Holds what the representation borrows, such as a network, ready on a device.

        Args:
            device: where to compute.
            accelerate: how a network runs; see `preimage.representations.acceleration`.
        """
        check_acceleration(accelerate, device)
        return nullcontext()

    @property
    def weight_bytes(self) -> int:
        """Memory of the weights of a network; 0 where there are none."""
        return 0

    def recompute(self) -> bool:
        """Has activations recomputed, rather than kept, until `frozen` ends.

        Returns:
            Whether that is new and possible.
        """
        return False

    def relaxed(self, softness: float) -> Representation:
        """A smooth surrogate, the softer the nearer to 1; itself where there is none."""
        return self

    def flat_regions(self, codes: Tensor, size: tuple[int, int]) -> list[FlatRegions | None]:
        """What codes (N, ...) prove to be flat in images of this size; None where nothing."""
        return [None] * len(codes)

    @abstractmethod
    def image_size(self, code_shape: tuple[int, ...]) -> tuple[int, int]:
        """Height and width of an image whose code has this shape (without N)."""
