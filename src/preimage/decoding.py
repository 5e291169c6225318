"""Photos as arrays of their own values: picture files, `.npy` files, arrays and tensors.

Nothing is scaled here: `images` does that, with the range that a file states about itself or
that a network declares.
"""

from __future__ import annotations

import io
import os
import struct
import tokenize
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, Union

import numpy as np
import torch
from numpy.lib import format as npy_format
from torch import Tensor

from preimage.checks import MAX_PIXELS
from preimage.files import check_is_file
from preimage.names import one_line

if TYPE_CHECKING:
    from PIL import Image

ImageLike: TypeAlias = Union[str, os.PathLike[str], BinaryIO, "Image.Image", np.ndarray, Tensor]
"""A path or an open file (a picture, or an array saved by `numpy.save`), a PIL image, an array
(H, W[, D]) or a tensor ([D,] H, W)."""

_NPY = b"\x93NUMPY"
_STILL = ("MPO", "PSD", "ICO", "ICNS")
"""File formats in which all pictures after the first are other views or layers of it."""
_RANGE_TAGS = ((340, 341), (280, 281))
"""TIFF's tags of the least and the largest sample: of any number type, and as integers."""
_MAGIC = (
    (4, b"ftypheic", "a HEIC picture, which Pillow cannot open: save it as PNG or JPEG"),
    (4, b"ftyp", "a video: give one of its frames as a picture"),
    (0, b"\x1aE\xdf\xa3", "a video: give one of its frames as a picture"),
    (8, b"AVI ", "a video: give one of its frames as a picture"),
    (128, b"DICM", "a DICOM file: save its values with numpy.save, and give the .npy file"),
    (344, b"n+1\0", "a NIfTI volume: save a slice with numpy.save, and give the .npy file"),
)


class ImageError(ValueError):
    """The error for a file or an array that cannot be used as an image."""


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """The values of a photo.

    Attributes:
        values: the values as they are in the source, (D, H, W).
        is_picture: whether they come from a picture file, which may have a range of its own.
        range: the values of black and white that the file states; None if it states none.
    """

    values: np.ndarray
    is_picture: bool = False
    range: tuple[float, float] | None = None


def decode(source: ImageLike, channels: int | None = None) -> Pixels:
    """Return the values of a photo; `channels` is D unless gray or color is wanted.

    Raises:
        ImageError: see `images.load_image`.
        TypeError: if the source is of another type.
    """
    if isinstance(source, Tensor):
        return Pixels(_channels_first(_from_tensor(source), channels, is_tensor=True))
    if isinstance(source, np.ndarray):
        if np.ma.is_masked(source):
            raise ImageError(
                "an image must not be a masked array: fill it first, as in array.filled(0)"
            )
        return Pixels(_channels_first(source, channels))
    from PIL import Image

    if isinstance(source, Image.Image):
        return _from_picture(source, channels)
    if not isinstance(source, str | os.PathLike):
        if not hasattr(source, "read"):
            raise TypeError(
                "an image must be a path, an open file, a PIL image, an array or a tensor, "
                f"not {type(source).__name__}"
            )
        return _from_file(source, channels)
    try:
        check_is_file(Path(source))
        with Path(source).open("rb") as file:
            return _from_file(file, channels)
    except OSError as error:
        raise ImageError(f"{source}: {error.strerror or error}") from None
    except ImageError as error:
        raise ImageError(f"{source}: {error}") from None


def open_picture(file: BinaryIO) -> Image.Image:
    """Open and decode a picture file.

    Raises:
        ImageError: if Pillow cannot read the file as a picture, or if the picture is truncated,
            too large, or one of several in the file.
    """
    image = inspect_picture(file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of damaged metadata
            image.load()
    except Exception as error:  # Pillow's plugins raise anything for damaged contents
        raise _damaged(error) from None
    return image


def inspect_picture(
    file: BinaryIO, formats: tuple[str, ...] | None = None, most_pixels: int = MAX_PIXELS
) -> Image.Image:
    """Open a picture file by its header, without decoding the picture.

    Args:
        file: the file.
        formats: Pillow's names of the accepted file formats. If None, all are accepted.
        most_pixels: the largest accepted number of pixels.

    Raises:
        ImageError: if the file is not a picture of these formats, or if the picture is too large
            or one of several in the file.
    """
    from PIL import Image, UnidentifiedImageError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of large sizes and damaged metadata
        try:
            image = Image.open(file, formats=formats)
            _check_picture(image, most_pixels)
        except ImageError:
            raise
        except UnidentifiedImageError:
            raise ImageError(_kind_of(file)) from None
        except Image.DecompressionBombError:
            raise ImageError(
                f"more than the limit of {most_pixels // 10**6} megapixels: reduce it first"
            ) from None
        except Exception as error:  # Pillow's plugins raise anything for a damaged header
            raise _damaged(error) from None
    return image


def read_npy(file: BinaryIO) -> np.ndarray:
    """Return the array of numbers that `numpy.save` wrote; pickled objects are never loaded.

    Raises:
        ValueError: if the file is damaged, or holds anything but real numbers.
    """
    data = file.read()
    if not data.startswith(_NPY):
        raise ValueError("not an array of numbers saved by numpy.save")
    opened = io.BytesIO(data)
    try:
        version = npy_format.read_magic(opened)
        read = npy_format.read_array_header_1_0 if version == (1, 0) else _read_header_2
        shape, is_fortran, dtype = read(opened)
        size = int(np.prod([int(side) for side in shape], dtype=object))
    except (ValueError, TypeError, EOFError, SyntaxError, MemoryError, RecursionError, KeyError,
            OverflowError, struct.error, tokenize.TokenError):  # fmt: skip
        raise ValueError("a damaged .npy file: its header cannot be read") from None
    if dtype.hasobject:
        raise ValueError("not an array of numbers saved by numpy.save, but of Python objects")
    if dtype.kind not in "fiub":
        raise ValueError(f"not an array of real numbers, but of {dtype}")
    if size * dtype.itemsize != len(data) - opened.tell() or min(shape, default=1) < 0:
        raise ValueError(
            f"a damaged .npy file: its header says shape {_short(shape)}, but its contents are of "
            "another size"
        )
    values = np.frombuffer(data, dtype, offset=opened.tell())
    return values.reshape(shape, order="F" if is_fortran else "C").astype(dtype.newbyteorder("="))


def _read_header_2(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, order and dtype from a header of version 2 or 3."""
    return npy_format.read_array_header_2_0(file)


def _short(shape: tuple[int, ...]) -> str:
    """Return a shape as text, shortened if it is long."""
    text = str(shape)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _from_file(file: BinaryIO, channels: int | None) -> Pixels:
    start = file.read(len(_NPY))
    file.seek(-len(start), os.SEEK_CUR)
    if start == _NPY:
        try:
            return Pixels(_channels_first(read_npy(file), channels))
        except ImageError:
            raise
        except ValueError as error:
            raise ImageError(str(error)) from None
    return _from_picture(open_picture(file), channels)


def _from_picture(image: Image.Image, channels: int | None) -> Pixels:
    """Return the values of a picture, with its orientation applied."""
    from PIL import Image, ImageOps

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of transparency in palettes
        try:
            _check_picture(image)
            image.load()
            stated = _stated_range(image)
            image = ImageOps.exif_transpose(image)
            if image.mode in ("F", "I") or image.mode.startswith("I;16"):
                return Pixels(np.asarray(image)[None], is_picture=True, range=stated)
            if channels not in (None, 1, 3, len(image.getbands())):
                bands = ", ".join(image.getbands())
                raise ImageError(f"a picture of {channels} channels is wanted, not of {bands}")
            if channels in (None, 1, 3):
                if image.has_transparency_data:
                    image = image.convert("RGBA")
                    white = Image.new("RGBA", image.size, "white")
                    image = Image.alpha_composite(white, image)
                image = image.convert("L" if image.mode in ("1", "L") else "RGB")
        except ImageError:
            raise
        except Exception as error:  # Pillow's plugins raise anything for damaged contents
            raise _damaged(error) from None
    return Pixels(_channels_first(np.asarray(image), channels), is_picture=True)


def _check_picture(image: Image.Image, most_pixels: int = MAX_PIXELS) -> None:
    """Raise ImageError if a picture is too large to be decoded, or its file is a film or volume."""
    width, height = image.size
    if width * height > most_pixels:
        raise ImageError(
            f"{width * height / 1e6:.0f} megapixels, more than the limit of "
            f"{most_pixels // 10**6}: reduce it first"
        )
    count = getattr(image, "n_frames", 1)
    if count > 1 and image.format not in _STILL and image.tell() == 0 and _is_film(image):
        raise ImageError(f"{count} pictures, a film or a volume: give one of them as a picture")


def _is_film(image: Image.Image) -> bool:
    """Return whether the second picture of a file is as large as the first, unlike a thumbnail."""
    size = image.size
    try:
        image.seek(1)
        return image.size == size
    finally:
        image.seek(0)


def _stated_range(image: Image.Image) -> tuple[float, float] | None:
    """Return black and white by the tags of a TIFF, if all values lie between them."""
    tags = getattr(image, "tag_v2", {})
    for of_least, of_largest in _RANGE_TAGS:
        try:
            low, high = (float(np.ravel(tags[tag])[0]) for tag in (of_least, of_largest))
        except (KeyError, ValueError, IndexError, TypeError):
            continue
        values = np.asarray(image)
        if low < high and low <= values.min() and values.max() <= high:
            return low, high
    return None


def _kind_of(file: BinaryIO) -> str:
    """Return in words what kind of file this is, which Pillow cannot open."""
    file.seek(0)
    start = file.read(512)
    for offset, magic, kind in _MAGIC:
        if start[offset : offset + len(magic)] == magic:
            return kind
    return "not an image that Pillow can open"


def _damaged(error: Exception) -> ImageError:
    reason = one_line(str(error)) or type(error).__name__
    return ImageError(f"damaged or truncated image ({reason})")


def _from_tensor(tensor: Tensor) -> np.ndarray:
    """Return a tensor as an array; NumPy has no bfloat16, which is widened."""
    tensor = tensor.detach()
    try:
        narrow = tensor.is_floating_point() and tensor.dtype not in (torch.float32, torch.float64)
        return (tensor.float() if narrow else tensor).cpu().numpy()
    except (TypeError, RuntimeError, NotImplementedError):
        raise ImageError(
            f"an image cannot be made of {tensor.dtype} values on {tensor.device}"
        ) from None


def _channels_first(
    array: np.ndarray, channels: int | None, *, is_tensor: bool = False
) -> np.ndarray:
    """Return an array (H, W) or of three axes as (D, H, W).

    If D is known, the channels are the axis of that length. If both the first and the last axis
    have that length, they are the last axis of an array and the first of a tensor.
    """
    given, accepted = array.shape, (1, 3) if channels in (None, 1, 3) else (channels,)
    if array.ndim == 2 and 1 in accepted:
        array = array[None]
    elif array.ndim == 3:
        axes = (0, 2) if is_tensor else (2, 0)
        exact = [axis for axis in axes if array.shape[axis] == channels]
        near = [axis for axis in axes if array.shape[axis] in accepted]
        usual = near if channels else [axis for axis in near if axis == axes[0]]
        array = np.moveaxis(array, [*exact, *usual, axes[0]][0], 0)
    if array.ndim != 3 or array.shape[0] not in accepted or 0 in array.shape:
        raise ImageError(_wanted(given, channels, is_tensor))
    return array


def _wanted(given: tuple[int, ...], channels: int | None, is_tensor: bool) -> str:
    """Return the message for an array whose shape is not that of an image."""
    if channels not in (None, 1, 3):
        wanted = f"(H, W, {channels}) or ({channels}, H, W)"
    else:
        wanted = "(3 or 1, H, W)" if is_tensor else "(H, W), (H, W, 1) or (H, W, 3)"
    more = ": give images one by one, as a list; volumes and videos are not supported"
    return f"an image must be {wanted}, not of shape {given}{more if len(given) > 3 else ''}"
