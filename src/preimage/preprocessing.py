"""Preprocessing: the conversion of photos to images of the core, and back.

A network may have been trained on (rgb - mean) / std, resized and cropped in its own way, or on
other channels than red, green and blue, with values in a range of their own. The same priors serve
all networks, because images in the core are always x = photo - mean with 255 from black to white;
they are divided by std only when they enter the network.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from preimage.bands import principal_colors
from preimage.checks import MAX_PIXELS, check_size, finite, whole
from preimage.decoding import ImageError, ImageLike
from preimage.images import fit_within, load_image, resize_image

if TYPE_CHECKING:
    from PIL import Image

DEFAULT_SIZE = (224, 224)
"""Height and width of images for a network whose preprocessing prescribes none."""

_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """The conversion of photos to images of the core, and of these to pictures.

    Attributes:
        mean: the value to subtract from each channel, in the units of `range`. One value makes
            the image gray (0.299 R + 0.587 G + 0.114 B), three values keep its colors. Any other
            number D of values is for photos of D channels.
        std: the divisor of each channel where images enter the network, in the units of `range`;
            one value, or one per channel. If None, images are not divided, and if there is no
            range either, `mean` is in 0..255 even if it is zero.
        size: height and width of images if the caller names no size; None keeps the photo's.
        resize: length in pixels to which the photo's shorter side is resized before its
            center is cropped to `size`. If None, the whole photo is resized to `size`.
        interpolation: "bilinear" or "bicubic", both with antialiasing, as Pillow does it.
        range: the values of black and white in the units of `mean` and `std`, such as (0, 1),
            (-1000, 400) or (0, 10000); photos of more than 8 bits hold such values, which are
            clipped. If None, `mean` and `std` are in 0..255, and the type of a photo's values
            says their range (see `images.load_image`).
        bands: the channels that pictures show as red, green and blue, or a single one as gray,
            counted from 0. If None, pictures of other than 1 or 3 channels show the principal
            components.

    Raises:
        ValueError: if a value is out of range, or if it is unclear whether mean and std are
            meant for images in 0..1 or in 0..255.

    >>> sentinel = Preprocessing(mean=(1400.0,) * 12, std=(800.0,) * 12, range=(0, 10000))
    >>> sentinel.load(np.full((12, 4, 4), 5000.0)).shape
    torch.Size([12, 4, 4])
    """

    mean: tuple[float, ...]
    std: tuple[float, ...] | None = None
    size: tuple[int, int] | None = None
    resize: int | None = None
    interpolation: str = "bilinear"
    range: tuple[float, float] | None = None
    bands: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("mean", "std"):
            if (given := getattr(self, name)) is not None:
                values = tuple(finite(name, value) for value in _listed(name, given))
                object.__setattr__(self, name, values)
        if not self.mean:
            raise ValueError("mean needs a value for each channel, not ()")
        std = (1.0,) if self.std is None else self.std
        if len(std) not in (1, len(self.mean)) or not min(std) > 0:
            counts = "1" if len(self.mean) == 1 else f"1 or {len(self.mean)}"
            raise ValueError(f"std needs {counts} positive values, not {self.std}")
        if self.range is None:
            _check_units(self.mean, self.std)
        else:
            _check_range(self)
        self._check_size()
        if self.interpolation not in ("bilinear", "bicubic"):
            raise ValueError(
                f"interpolation must be bilinear or bicubic, not {self.interpolation!r}"
            )
        if self.bands is not None:
            bands = _listed("bands", self.bands)
            bands = tuple(whole("bands", band, most=self.channels - 1) for band in bands)
            object.__setattr__(self, "bands", bands)
            if len(bands) not in (1, 3):
                raise ValueError(f"bands must be 1 or 3 channels, not {self.bands}")

    def _check_size(self) -> None:
        if self.size is not None:
            words = f"size must be a height and a width in pixels, not {self.size}"
            if len(_listed("size", self.size, words)) != 2:
                raise ValueError(words)
            try:
                object.__setattr__(self, "size", check_size(self.size))
            except ValueError as error:
                raise ValueError(words if "side in pixels" in str(error) else error) from None
        if self.resize is not None:
            object.__setattr__(self, "resize", whole("resize", self.resize, least=1))
            if self.size is None or self.resize < max(self.size):
                raise ValueError(f"resize {self.resize} needs a size no larger, not {self.size}")

    @property
    def channels(self) -> int:
        """D, the number of channels of an image."""
        return len(self.mean)

    @property
    def _unit(self) -> float:
        """The size of one step of 0..255 in the units of `range`."""
        return 1.0 if self.range is None else (self.range[1] - self.range[0]) / 255

    @property
    def _mean(self) -> tuple[float, ...]:
        """The mean in 0..255."""
        if self.range is None:
            return self.mean
        return tuple((value - self.range[0]) / self._unit for value in self.mean)

    @property
    def _std(self) -> tuple[float, ...]:
        """The deviation in 0..255."""
        std = (1.0,) if self.std is None else self.std
        return std if self.range is None else tuple(value / self._unit for value in std)

    def to_core(self, image: Tensor) -> Tensor:
        """Return an image (D, H, W), 0..255, in the core's units.

        >>> GRAY.to_core(torch.full((3, 1, 1), 255.0)).tolist()
        [[[127.5]]]
        """
        if self.channels == 1 and image.shape[0] == 3:
            weights = torch.tensor(_LUMA, dtype=torch.float64, device="cpu").to(image)
            gray = image[:1] * weights[0]
            for channel, weight in zip(image[1:].split(1), weights[1:], strict=True):
                gray += channel * weight
            image = gray
        elif self.channels == 3:
            image = image.expand(3, -1, -1)
        return image - _per_channel(self._mean, image)

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
        return x / _per_channel(self._std, x)

    def to_255(self, x: Tensor) -> Tensor:
        """Return images of the core ([N,] D, H, W) in 0..255, not clipped."""
        return x + _per_channel(self._mean, x)

    def to_display(self, x: Tensor, like: Tensor | None = None) -> np.ndarray:
        """Return an image of the core (D, H, W) as 8 bits, (H, W) or (H, W, 3), clipped.

        If the principal components of many channels are shown, they are those of `like`, another
        image of the core, or else those of `x` itself.
        """
        values = self.to_255(x.detach().cpu())
        if self.bands is not None:
            values = values[list(self.bands)]
        elif self.channels not in (1, 3):
            other = x if like is None else like
            values = principal_colors(values, self.to_255(other.detach().cpu()))
        values = values.round_().clamp_(0, 255)
        array: np.ndarray = values.to(torch.uint8).permute(1, 2, 0).numpy()
        return array[:, :, 0] if array.shape[2] == 1 else array

    def to_pil(self, x: Tensor, like: Tensor | None = None) -> Image.Image:
        """Return an image of the core (D, H, W) as a PIL image; see `to_display`."""
        from PIL import Image

        return Image.fromarray(self.to_display(x, like))

    def load(self, source: ImageLike, size: int | tuple[int, int] | None = None) -> Tensor:
        """Load any image in the core's units, (D, H, W).

        Args:
            source: see `load_image`.
            size: height and width of the image, or the largest length of its longer side. If
                None, `size` and `resize` of the preprocessing apply, and a resized image of
                gray or color is rounded to whole gray levels, as in pipelines that resize with
                Pillow, unless a range is declared.

        Raises:
            ImageError: if the source cannot be used, or the size is too large.

        >>> Preprocessing(mean=(0.0,), size=(2, 2), resize=4).load(np.ones((4, 8))).shape
        torch.Size([1, 2, 2])
        """
        size = check_size(size)
        image = load_image(source, channels=self.channels, range=self.range)
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
            return self._rounded(self._resized(image, size))
        have, shorter = image.shape[-2:], min(image.shape[-2:])
        rows, columns = (self.resize * side // shorter for side in have)
        resized = self._rounded(self._resized(image, (rows, columns)))
        top, left = round((rows - height) / 2), round((columns - width) / 2)
        return resized[:, top : top + height, left : left + width]

    def _rounded(self, image: Tensor) -> Tensor:
        """Return a resized image in whole gray levels, where the preprocessing has those."""
        has_gray_levels = self.range is None and self.channels in (1, 3)
        return image.round().clamp(0, 255) if has_gray_levels else image

    def _resized(self, image: Tensor, size: tuple[int, int]) -> Tensor:
        if math.prod(size) > MAX_PIXELS:  # the sides that `resize` gives to a narrow photo
            raise ImageError(
                f"a size of {size[0]} x {size[1]} is more than the limit of "
                f"{MAX_PIXELS // 10**6} megapixels"
            )
        return resize_image(image, *size, self.interpolation)


def _listed(name: str, values: Any, words: str = "") -> tuple[Any, ...]:
    """Return values as a tuple; raise ValueError if they are not a sequence."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ValueError(
            words or f"{name} must be a tuple with a value for each channel, not {values!r}"
        )
    return tuple(values)


def _check_units(mean: tuple[float, ...], std: tuple[float, ...] | None) -> None:
    """Raise ValueError if mean and std may be those of images in 0..1 by mistake."""
    is_small = max(map(abs, mean)) <= 1
    if (is_small and (any(mean) or (std and max(std) <= 1))) or (std and max(std) < 0.5):
        raise ValueError(
            f"mean {mean} and std {std} look like those of images in 0..1: multiply them by 255, "
            "or declare the range that the network was trained on, range=(0, 1) or range=(0, 255)"
        )
    if min(mean) < -255 or max(mean) > 510:
        raise ValueError(
            f"mean {mean} is far outside of 0..255: declare the values of black and white in its "
            "units, such as range=(-1000, 400)"
        )


def _check_range(given: Preprocessing) -> None:
    """Replace the range by a pair of numbers; raise ValueError if it is not a valid one."""
    low, high = (finite("range", end) for end in _pair(given.range))
    if not low < high:
        raise ValueError(f"range must be the values of black and white, not {given.range}")
    object.__setattr__(given, "range", (low, high))
    reach = high - low
    if not all(low - reach <= value <= high + reach for value in given.mean):
        raise ValueError(
            f"mean {given.mean} is far outside of the range {low:g}..{high:g}: give both in "
            "the same units"
        )


def _pair(values: Any) -> tuple[Any, Any]:
    listed = _listed("range", values, f"range must be (low, high), not {values!r}")
    if len(listed) != 2:
        raise ValueError(f"range must be (low, high), not {values!r}")
    return listed[0], listed[1]


def _per_channel(values: tuple[float, ...], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device).view(-1, 1, 1)


GRAY = Preprocessing(mean=(127.5,))
"""The preprocessing of HOG and DSIFT, which ignore color and an additive constant."""
