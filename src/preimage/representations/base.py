"""What every representation Phi offers: a code for an image, and the sizes that go with it."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from preimage.images import Preprocessing
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
    """

    name: str
    preprocessing: Preprocessing
    stride: int
    default_jitter: int = 1
    ignores_contrast: bool = False

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Codes of the images `x`, which are (N, D, H, W)."""

    @abstractmethod
    def code_shape(self, height: int, width: int) -> tuple[int, ...]:
        """Shape of the code of one H x W image; raises ValueError where it is too small."""

    def relaxed(self, softness: float) -> Representation:
        """A smooth surrogate, the softer the nearer to 1; itself where there is none."""
        return self

    def flat_regions(self, codes: Tensor, size: tuple[int, int]) -> list[FlatRegions | None]:
        """What codes (N, ...) prove to be flat in images of this size; None where nothing."""
        return [None] * len(codes)

    @abstractmethod
    def image_size(self, code_shape: tuple[int, ...]) -> tuple[int, int]:
        """Height and width of an image whose code has this shape (without N)."""
