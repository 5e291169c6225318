"""Photos and arrays as tensors: loading, resizing, contrast, and how far two images differ.

In the core an image is float32, (N, D, H, W), zero-mean, with 255 from black to white. Files,
arrays and the ranges 0..1 and 0..255 exist only here and in `preprocessing`.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias, Union

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from PIL import Image

ImageLike: TypeAlias = Union[str, os.PathLike[str], BinaryIO, "Image.Image", np.ndarray, Tensor]
"""A path or an open file, a PIL image, an array (H, W[, D]) or a tensor ([D,] H, W)."""

MAX_PIXELS = 64_000_000
"""The most pixels of an image file, checked before it is decoded, or of a resized image."""


class ImageError(ValueError):
    """The error for a file or an array that cannot be used as an image."""


def load_image(source: ImageLike) -> Tensor:
    """Load any image as float32 RGB or gray, (D, H, W) with D 3 or 1, values 0..255.

    Of files and PIL images, the EXIF orientation is applied, transparent pixels are blended
    with white, and palettes, CMYK and 16-bit grays are converted. Of arrays and tensors,
    8-bit integers mean 0..255, 16-bit integers 0..65535, and floating point 0..1.

    Raises:
        ImageError: if the source is not an image, is truncated, has more than
            `MAX_PIXELS` pixels, or holds values out of range.
        TypeError: if the source is of another type.

    >>> load_image(np.full((2, 3), 0.5)).shape
    torch.Size([1, 2, 3])
    """
    if isinstance(source, Tensor):
        return _from_array(source.detach().cpu().numpy(), channels_first=True)
    if isinstance(source, np.ndarray):
        return _from_array(source, channels_first=False)
    from PIL import Image

    if isinstance(source, Image.Image):
        return _from_array(_pixels(source), channels_first=False)
    if not isinstance(source, str | os.PathLike):
        if not hasattr(source, "read"):
            raise TypeError(
                "an image must be a path, an open file, a PIL image, an array or a tensor, "
                f"not {type(source).__name__}"
            )
        return _from_array(read_pixels(source), channels_first=False)
    try:
        with Path(source).open("rb") as file:
            return _from_array(read_pixels(file), channels_first=False)
    except OSError as error:
        raise ImageError(f"{source}: {error.strerror or error}") from None
    except ImageError as error:
        raise ImageError(f"{source}: {error}") from None


def read_pixels(file: BinaryIO) -> np.ndarray:
    """Decode an image file to an array (H, W) or (H, W, 3) that `load_image` takes.

    Loading the array gives the same image as loading the file.

    Raises:
        ImageError: as `load_image`.
    """
    from PIL import Image, UnidentifiedImageError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of large sizes and damaged metadata
        try:
            with Image.open(file) as image:
                return _pixels(image)
        except ImageError:
            raise
        except UnidentifiedImageError:
            raise ImageError("not an image that Pillow can open") from None
        except Image.DecompressionBombError:
            limit = MAX_PIXELS // 10**6
            raise ImageError(
                f"more than the limit of {limit} megapixels: reduce it first"
            ) from None
        except Exception as error:  # Pillow's plugins raise anything for a damaged header
            raise _damaged(error) from None


def _pixels(image: Image.Image) -> np.ndarray:
    """Decode an image to an array of uint8, of uint16, or of floats in 0..1."""
    from PIL import Image, ImageOps

    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{width * height / 1e6:.0f} megapixels, more than the limit of "
            f"{MAX_PIXELS // 10**6}: reduce it first"
        )
    try:
        image.load()
        image = ImageOps.exif_transpose(image)
        if image.mode == "I" or image.mode.startswith("I;16"):
            return np.asarray(image).clip(0, 65535).astype(np.uint16)
        if image.mode == "F":
            return np.asarray(image) / 255
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        image = image.convert("L" if image.mode in ("1", "L") else "RGB")
    except ImageError:
        raise
    except Exception as error:
        raise _damaged(error) from None
    return np.asarray(image)


def _damaged(error: Exception) -> ImageError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return ImageError(f"damaged or truncated image ({reason})")


def _from_array(array: np.ndarray, channels_first: bool) -> Tensor:
    given = array.shape
    if array.ndim == 3 and not channels_first:
        array = np.moveaxis(array, 2, 0)
    elif array.ndim == 2:
        array = array[None]
    if array.ndim != 3 or array.shape[0] not in (1, 3) or 0 in array.shape:
        wanted = "(3 or 1, H, W)" if channels_first else "(H, W), (H, W, 1) or (H, W, 3)"
        raise ImageError(f"an image must be {wanted}, not of shape {given}")
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    scale = 255.0
    if np.issubdtype(array.dtype, np.integer):
        if array.dtype.itemsize > 2:
            raise ImageError(
                f"{array.dtype} pixel values have no defined range: use uint8 (0..255) or uint16 "
                "(0..65535)"
            )
        scale = 255.0 / (65535 if array.dtype.itemsize > 1 else 255)
    elif not np.issubdtype(array.dtype, np.floating):
        raise ImageError(f"an image cannot be made of {array.dtype} values")
    values = array.astype(np.float32) * np.float32(scale)
    if not np.isfinite(values).all():
        raise ImageError("the image holds NaN or infinite values")
    if values.min() < 0 or values.max() > 255:
        raise ImageError(
            f"pixel values must be 0..1 (floating point), 0..255 (8 bits) or 0..65535 (16 bits), "
            f"not {array.min():g} to {array.max():g}"
        )
    return torch.from_numpy(np.ascontiguousarray(values))


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
    return centered * torch.where(present > 0, deviation / present, 0)


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
    return centered * gain + mean


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
    if min(x.shape[-2:]) < 11:
        return x.new_full((x.shape[0],), math.nan)
    taps = torch.arange(-5, 6, dtype=x.dtype, device=x.device)
    window = torch.exp(-(taps**2) / (2 * 1.5**2))
    window = window / window.sum()
    moments = torch.stack([x, reference, x * x, reference * reference, x * reference])
    blurred = moments.reshape(1, -1, *x.shape[-2:])
    for shape in ((1, 1, 1, 11), (1, 1, 11, 1)):
        kernel = window.view(shape).repeat(blurred.shape[1], 1, 1, 1)
        blurred = torch.nn.functional.conv2d(blurred, kernel, groups=len(kernel))
    a, b, aa, bb, ab = blurred.reshape(*moments.shape[:3], *blurred.shape[-2:])
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similarity = ((2 * a * b + c1) * (2 * (ab - a * b) + c2)) / (
        (a * a + b * b + c1) * (aa - a * a + bb - b * b + c2)
    )
    return similarity.mean((1, 2, 3))
