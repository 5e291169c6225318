"""Photos as tensors: ranges of values, resizing, contrast, and how far two images differ.

In the core an image is float32, (N, D, H, W), zero-mean, with 255 from black to white. Files,
arrays and other ranges exist only here, in `decoding` and in `preprocessing`.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from preimage.decoding import ImageError, ImageLike, Pixels, decode

_ROUNDING = 1e-3
"""Largest distance of floating-point pixel values from 0..1: resizing and rounding cause it."""
_WINDOW, _LARGE = 11, 2**19
"""Side of the window of SSIM, and the pixels of a strip in which larger images are compared."""
_SMALL_PART = 64
"""A photo that spans less than this fraction of a declared range is probably in other units."""


def load_image(
    source: ImageLike,
    *,
    channels: int | None = None,
    range: tuple[float, float] | None = None,  # noqa: A002
) -> Tensor:
    """Load any image as float32, (D, H, W), values 0..255.

    For files and PIL images, the EXIF orientation is applied, transparent pixels are blended
    with white, and palettes and CMYK are converted. Without a range, 8-bit integers mean
    0..255, 16-bit integers 0..65535, and floating point 0..1. If the values of a file contradict
    this, its own range is taken (its tags, 10, 12 or 14 bits, or its smallest and largest
    value), and a warning says so.

    Args:
        source: a picture file, an array saved by `numpy.save`, a PIL image, an array or a tensor.
        channels: D. If None, the image has 3 or 1 channels. A photo of 1 channel is also taken
            for D = 3, and one of 3 channels for D = 1.
        range: the values of black and white. Values outside are clipped. Values of 8 bits are
            always 0..255.

    Raises:
        ImageError: if the source is not an image, is truncated, has more pixels than
            `checks.MAX_PIXELS`, is a film or a volume, or holds values out of range.
        TypeError: if the source is of another type.

    >>> load_image(np.full((2, 3), 0.5)).shape
    torch.Size([1, 2, 3])
    >>> load_image(np.array([[-1000, 400]]), range=(-1000, 400)).tolist()
    [[[0.0, 255.0]]]
    """
    pixels = decode(source, channels)
    name = f"{source}: " if isinstance(source, str | os.PathLike) else ""
    try:
        values = _checked(pixels.values)
        if values.dtype == np.uint8:
            low, high = 0.0, 255.0
        elif range is not None:
            low, high = range
            _check_declared(values, low, high, name)
        else:
            low, high = pixels.range or _usual_range(pixels, values, name)
    except ImageError as error:
        raise ImageError(f"{name}{error}") from None
    scaled = np.empty(values.shape, np.float32)
    for given, channel in zip(values, scaled, strict=True):  # one by one, to save memory
        shifted = given.astype(np.float64) - low if low else given
        np.multiply(shifted.astype(np.float32), np.float32(255.0 / (high - low)), out=channel)
        channel.clip(0, 255, out=channel)
    return torch.from_numpy(scaled)


def _checked(values: np.ndarray) -> np.ndarray:
    """Return the values if they are real and finite; booleans become black and white."""
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * 255
    if values.dtype.kind not in "fiu":
        raise ImageError(f"an image cannot be made of {values.dtype} values: give real numbers")
    if values.dtype.kind == "f" and not np.isfinite(values.astype(np.float32)).all():
        raise ImageError("the image holds NaN or infinite values")
    return values


def _check_declared(values: np.ndarray, low: float, high: float, name: str) -> None:
    """Warn if the values hardly fit the declared range; raise if no value lies in it."""
    least, largest = float(values.min()), float(values.max())
    outside = float(((values < low) | (values > high)).mean())
    words = f"{name}values from {least:g} to {largest:g} for a declared range of {low:g}..{high:g}"
    if outside == 1:
        raise ImageError(
            f"no value lies in the declared range of {low:g}..{high:g}: they run from "
            f"{least:g} to {largest:g}"
        )
    if outside > 0.5:
        warnings.warn(f"{words}: {100 * outside:.0f} % were clipped", stacklevel=3)
    elif 0 < largest - least < (high - low) / _SMALL_PART:
        warnings.warn(f"{words}: they may be in other units", stacklevel=3)


def _usual_range(pixels: Pixels, values: np.ndarray, name: str) -> tuple[float, float]:
    """Return the values of black and white that follow from the type of the values.

    Raises:
        ImageError: if the type has no usual range, or the values lie outside of it.
    """
    least, largest = float(values.min()), float(values.max())
    is_wide = values.dtype.kind in "iu" and values.dtype.itemsize > 2 and not pixels.is_picture
    if is_wide:
        raise ImageError(
            f"{values.dtype} pixel values have no defined range: use uint8 (0..255) or uint16 "
            "(0..65535), or declare it: Preprocessing(..., range=(low, high))"
        )
    if values.dtype.kind == "f":
        fits, usual = least >= -_ROUNDING and largest <= 1 + _ROUNDING, (0.0, 1.0)
    elif values.dtype.itemsize == 1:
        fits, usual = least >= 0, (0.0, 255.0)
    else:
        fits, usual = least >= 0 and largest <= 65535, (0.0, _full_scale(largest))
    if not fits and pixels.is_picture and least < largest:
        usual = least, largest
    elif not fits:
        raise ImageError(
            f"pixel values must be 0..1 (floating point), 0..255 (8 bits) or 0..65535 (16 bits), "
            f"not {least:.7g} to {largest:.7g}; or declare their range: "
            "Preprocessing(..., range=(low, high))"
        )
    is_usual = usual == (0, 65535) if values.dtype.itemsize > 1 else True
    if values.dtype.kind == "f":
        is_usual = not pixels.is_picture
    if not is_usual:
        warnings.warn(
            f"{name}values from {least:g} to {largest:g}: black is taken as {usual[0]:g} and white "
            f"as {usual[1]:g}; declare it otherwise: Preprocessing(..., range=(low, high))",
            stacklevel=3,
        )
    return usual


def _full_scale(largest: float) -> float:
    """Return the value of white for 16-bit integers; cameras and scanners use 8 to 16 bits."""
    bits = next(bits for bits in (8, 10, 12, 14, 16) if largest < 2**bits)
    return float(2**bits - 1) if largest > 0 else 65535.0


def resize_image(image: Tensor, height: int, width: int, interpolation: str = "bilinear") -> Tensor:
    """Resize an image (D, H, W), 0..255, with antialiasing, as Pillow does.

    Args:
        image: the image.
        height: rows of the result.
        width: columns of the result.
        interpolation: "bilinear", or "bicubic", whose overshoot is clipped to 0..255.

    >>> resize_image(torch.full((1, 4, 8), 7.0), 2, 4).unique().tolist()
    [7.0]
    """
    if image.shape[-2:] == (height, width):
        return image
    resized = torch.nn.functional.interpolate(
        image[None], (height, width), mode=interpolation, antialias=True
    )[0]
    return resized.clamp(0, 255) if interpolation == "bicubic" else resized


def fit_within(height: int, width: int, longest: int) -> tuple[int, int]:
    """Reduce a size to one of the same proportions whose longer side is at most `longest`.

    >>> fit_within(3000, 4000, 320)
    (240, 320)
    """
    ratio = min(1.0, longest / max(height, width))
    return max(1, round(height * ratio)), max(1, round(width * ratio))


def stack_images(images: Sequence[Tensor]) -> Tensor:
    """Stack images (D, H, W) of one size as a batch (N, D, H, W).

    Raises:
        ImageError: if their sizes differ.
    """
    sizes = sorted({tuple(image.shape[-2:]) for image in images})
    if len(sizes) > 1:
        listed = ", ".join(f"{h} x {w}" for h, w in sizes)
        raise ImageError(f"images of one batch must have one size, not {listed}: resize them")
    return torch.stack(list(images))


def with_deviation(x: Tensor, deviation: float) -> Tensor:
    """Shift images (N, D, H, W) to mean zero, and scale each to a standard deviation.

    >>> with_deviation(torch.tensor([[[[5.0, 7.0]]]]), 40.0).tolist()
    [[[[-40.0, 40.0]]]]
    """
    centered = x - x.mean((1, 2, 3), keepdim=True)
    present = centered.square().mean((1, 2, 3), keepdim=True).sqrt()
    return centered.mul_(torch.where(present > 0, deviation / present, 0))


def stretch_contrast(images: Tensor, pixel_norm: float) -> Tensor:
    """Scale images (N, D, H, W) so that 99 % of their pixels have a norm of at most 1.5 B.

    The priors prefer images of low amplitude, which look gray.

    Args:
        images: images in the core's units.
        pixel_norm: B of Eq. 5.

    >>> stretch_contrast(torch.ones(1, 1, 2, 2), pixel_norm=80).unique().tolist()
    [120.0]
    """
    norms = torch.linalg.vector_norm(images, dim=1).flatten(1)
    typical = torch.quantile(norms, 0.99, dim=1).clamp(min=1e-6)
    return images * (1.5 * pixel_norm / typical)[:, None, None, None]


def match_contrast(x: Tensor, reference: Tensor) -> Tensor:
    """Return `a * x + b`, fitted to `reference` by least squares with a >= 0, image by image.

    >>> match_contrast(torch.tensor([[[[0.0, 1.0]]]]), torch.tensor([[[[3.0, 7.0]]]])).tolist()
    [[[[3.0, 7.0]]]]
    """
    mean = reference.mean((1, 2, 3), keepdim=True)
    centered = x - x.mean((1, 2, 3), keepdim=True)
    overlap = (centered * (reference - mean)).sum((1, 2, 3), keepdim=True)
    squares = centered.square().sum((1, 2, 3), keepdim=True)
    gain = torch.where(squares > 0, overlap / squares, 0).clamp(min=0)
    return centered.mul_(gain).add_(mean)


def psnr(x: Tensor, reference: Tensor) -> Tensor:
    """Return the peak signal-to-noise ratio in decibels, peak 255, (N,).

    >>> psnr(torch.zeros(1, 1, 8, 8), torch.full((1, 1, 8, 8), 25.5)).round().tolist()
    [20.0]
    """
    error = ((x - reference) ** 2).mean((1, 2, 3))
    return 20 * math.log10(255) - 10 * error.log10()


def ssim(x: Tensor, reference: Tensor) -> Tensor:
    """Return the structural similarity of images in 0..255, averaged over channels, (N,).

    Wang et al., "Image quality assessment: from error visibility to structural similarity"
    (TIP 2004), with a Gaussian window of sigma 1.5 over 11 x 11 pixels, K = (0.01, 0.03) and
    range 255; only windows inside the image count. NaN if the image is smaller than the window.

    >>> ssim(torch.ones(1, 1, 16, 16), torch.ones(1, 1, 16, 16)).tolist()
    [1.0]
    """
    height, width = x.shape[-2:]
    if min(height, width) < _WINDOW:
        return x.new_full((x.shape[0],), math.nan)
    if height * width <= _LARGE:
        return _similarity(x, reference).mean((1, 2, 3))
    rows = max(1, _LARGE // width)
    total = torch.zeros(len(x), dtype=torch.float64, device=x.device)
    for top in range(0, height - _WINDOW + 1, rows):
        strip = slice(top, top + rows + _WINDOW - 1)
        found = _similarity(x[..., strip, :], reference[..., strip, :])
        total += found.sum((1, 2, 3), dtype=torch.float64)
    return (total / (x.shape[1] * (height - _WINDOW + 1) * (width - _WINDOW + 1))).to(x.dtype)


def _similarity(x: Tensor, reference: Tensor) -> Tensor:
    """Return the structural similarity of each window inside the images."""
    moments = torch.stack([x, reference, x * x, reference * reference, x * reference])
    return local_similarity(*local_means(moments))


def local_means(images: Tensor) -> Tensor:
    """Return the means of images (..., H, W) over the windows of `ssim`, (..., H - 10, W - 10)."""
    taps = torch.arange(-5, 6, dtype=images.dtype, device=images.device)
    window = torch.exp(-(taps**2) / (2 * 1.5**2))
    window = window / window.sum()
    blurred = images.reshape(1, -1, *images.shape[-2:])
    for shape in ((1, 1, 1, 11), (1, 1, 11, 1)):
        kernel = window.view(shape).repeat(blurred.shape[1], 1, 1, 1)
        blurred = torch.nn.functional.conv2d(blurred, kernel, groups=len(kernel))
    return blurred.reshape(*images.shape[:-2], *blurred.shape[-2:])


def local_similarity(a: Tensor, b: Tensor, aa: Tensor, bb: Tensor, ab: Tensor) -> Tensor:
    """Return the structural similarity in each window from the means of x, y, x^2, y^2 and x y."""
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return ((2 * a * b + c1) * (2 * (ab - a * b) + c2)) / (
        (a * a + b * b + c1) * (aa - a * a + bb - b * b + c2)
    )
