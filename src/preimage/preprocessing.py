"""Preprocessing: the conversion of photos to images of the core, and back.

A network may have been trained on (rgb - mean) / std, resized and cropped in its own way.
The same priors serve all networks, because images in the core are always x = rgb - mean, in
units of 0..255; they are divided by std only when they enter the network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from preimage.images import MAX_PIXELS, ImageError, ImageLike, fit_within, load_image, resize_image

if TYPE_CHECKING:
    from PIL import Image

_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """The conversion of photos to images of the core, and of these to pictures.

    Attributes:
        mean: the value to subtract from each channel, 0..255. One value makes the image gray
            (0.299 R + 0.587 G + 0.114 B), three values keep its colors.
        std: an image x of the core enters the network as x / std; one value or one per
            channel, 0..255.
        size: height and width of images if the caller names no size; None keeps the photo's.
        resize: length in pixels to which the photo's shorter side is resized before its
            center is cropped to `size`. If None, the whole photo is resized to `size`.
        interpolation: "bilinear" or "bicubic", both with antialiasing, as Pillow does it.

    Raises:
        ValueError: if a value is out of range.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...] = (1.0,)
    size: tuple[int, int] | None = None
    resize: int | None = None
    interpolation: str = "bilinear"

    def __post_init__(self) -> None:
        if len(self.mean) not in (1, 3):
            raise ValueError(f"mean needs 1 or 3 values, not {self.mean}")
        if len(self.std) not in (1, len(self.mean)) or not min(self.std) > 0:
            raise ValueError(f"std needs 1 or {len(self.mean)} positive values, not {self.std}")
        if max(self.std) < 0.5 or (max(self.mean) <= 1 and max(self.std) < 1):
            raise ValueError(
                f"mean {self.mean} and std {self.std} look like those of images in 0..1: multiply "
                "them by 255"
            )
        if self.size is not None and (len(self.size) != 2 or min(self.size) < 1):
            raise ValueError(f"size must be a height and a width in pixels, not {self.size}")
        if self.resize is not None and (self.size is None or self.resize < max(self.size)):
            raise ValueError(f"resize {self.resize} needs a size no larger, not {self.size}")
        if self.interpolation not in ("bilinear", "bicubic"):
            raise ValueError(
                f"interpolation must be bilinear or bicubic, not {self.interpolation!r}"
            )

    @property
    def channels(self) -> int:
        """Channels of an image: 1 or 3."""
        return len(self.mean)

    def to_core(self, image: Tensor) -> Tensor:
        """Return an image (D, H, W), 0..255, in the core's units.

        >>> GRAY.to_core(torch.full((3, 1, 1), 255.0)).tolist()
        [[[127.5]]]
        """
        if self.channels == 1 and image.shape[0] == 3:
            weights = torch.tensor(_LUMA, dtype=torch.float64).to(image).view(3, 1, 1)
            image = (image * weights).sum(0, keepdim=True)
        elif self.channels == 3:
            image = image.expand(3, -1, -1)
        return image - _per_channel(self.mean, image)

    def to_network(self, x: Tensor) -> Tensor:
        """Return images of the core ([N,] D, H, W) as they enter the network, a new tensor.

        Raises:
            ValueError: if D is not `channels`.

        >>> Preprocessing(mean=(127.5,), std=(2.0,)).to_network(torch.ones(1, 1, 1)).tolist()
        [[[0.5]]]
        """
        if x.ndim < 3 or x.shape[-3] != self.channels:
            raise ValueError(
                f"images of {self.channels} channels are (N, {self.channels}, H, W), not of shape "
                f"{tuple(x.shape)}: `Preprocessing.load` makes them from any photo"
            )
        return x / _per_channel(self.std, x)

    def to_255(self, x: Tensor) -> Tensor:
        """Return images of the core ([N,] D, H, W) in 0..255, not clipped."""
        return x + _per_channel(self.mean, x)

    def to_display(self, x: Tensor) -> np.ndarray:
        """Return an image of the core (D, H, W) as 8 bits, (H, W) or (H, W, 3), clipped."""
        values = self.to_255(x.detach().cpu()).round().clamp(0, 255)
        array: np.ndarray = values.to(torch.uint8).permute(1, 2, 0).numpy()
        return array[:, :, 0] if self.channels == 1 else array

    def to_pil(self, x: Tensor) -> Image.Image:
        """Return an image of the core (D, H, W) as a PIL image."""
        from PIL import Image

        return Image.fromarray(self.to_display(x))

    def load(self, source: ImageLike, size: int | tuple[int, int] | None = None) -> Tensor:
        """Load any image in the core's units, (D, H, W).

        Args:
            source: see `load_image`.
            size: height and width of the image, or the largest length of its longer side. If
                None, `size` and `resize` of the preprocessing apply, and a resized image is
                rounded to whole gray levels, as in pipelines that resize with Pillow.

        Raises:
            ImageError: if the source cannot be used, or the size is too large.

        >>> Preprocessing(mean=(0.0,), size=(2, 2), resize=4).load(np.ones((4, 8))).shape
        torch.Size([1, 2, 2])
        """
        image = load_image(source)
        height, width = image.shape[-2:]
        if isinstance(size, int):
            image = self._resized(image, fit_within(height, width, size))
        elif size is not None:
            image = self._resized(image, size)
        elif self.size is not None:
            image = self._prescribed(image, self.size)
        return self.to_core(image)

    def _prescribed(self, image: Tensor, size: tuple[int, int]) -> Tensor:
        """Resize an image to `size`, whole or by a crop of its center."""
        height, width = size
        if self.resize is None:
            return self._resized(image, size).round().clamp(0, 255)
        have, shorter = image.shape[-2:], min(image.shape[-2:])
        rows, columns = (self.resize * side // shorter for side in have)
        resized = self._resized(image, (rows, columns)).round().clamp(0, 255)
        top, left = round((rows - height) / 2), round((columns - width) / 2)
        return resized[:, top : top + height, left : left + width]

    def _resized(self, image: Tensor, size: tuple[int, int]) -> Tensor:
        if math.prod(size) > MAX_PIXELS:
            raise ImageError(
                f"a size of {size[0]} x {size[1]} is more than the limit of "
                f"{MAX_PIXELS // 10**6} megapixels"
            )
        return resize_image(image, *size, self.interpolation)


def _per_channel(values: tuple[float, ...], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device).view(-1, 1, 1)


GRAY = Preprocessing(mean=(127.5,))
"""The preprocessing of HOG and DSIFT, which ignore color and an additive constant."""
