"""Saved arrays (.npy) as `invert` takes them: a code, a batch of codes, or a photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from preimage.names import unknown

if TYPE_CHECKING:
    import numpy as np

    from preimage.representations.base import Representation


_LEAST_SIDE = 8
"""The least side of a photo in an array: codes such as (96, 3, 3) are none."""


def parse_code_scale(text: str | None) -> float | str | None:
    """Return a number or "auto".

    >>> parse_code_scale("512"), parse_code_scale("auto"), parse_code_scale(None)
    (512.0, 'auto', None)
    """
    if text in (None, "auto"):
        return text
    from preimage.checks import finite

    try:
        number = float(text)
    except ValueError:
        message = unknown("code scale", text, ["auto"])
        raise ValueError(f"{message}, or a positive number") from None
    return finite("--code-scale", number, is_positive=True)


def split_array(
    phi: Representation, array: np.ndarray, size: tuple[int, int] | None
) -> tuple[list[np.ndarray], bool]:
    """Return the codes in an array, or the array itself as a photo, and whether it is a photo.

    An array is a photo if it has the shape of a photo, (H, W, D) or (D, H, W) with the channels D
    of the network, and not of a code. Of 8 bits, it can also be gray for a network that takes
    colors, or the reverse, and (H, W) if codes have more axes.
    """
    shape = tuple(array.shape)
    if not array.ndim:
        return [array], False
    try:
        expected = phi.code_shape(*(size or phi.image_size(shape)))
    except (ValueError, IndexError):
        expected = ()
    if expected and shape[0] and shape[1:] == expected:
        return list(array), False
    is_code = shape == expected if expected else _may_be_code(phi, array)
    return [array], not is_code and _may_be_photo(phi, array, len(expected))


def _may_be_code(phi: Representation, array: np.ndarray) -> bool:
    """Tell whether an array for a network without an image size has the channels of a code."""
    if array.dtype == "uint8" or phi.default_size is None:
        return False
    try:
        typical = phi.code_shape(*phi.default_size)
    except ValueError:
        return False
    return array.ndim == len(typical) and array.shape[0] == typical[0]


def _may_be_photo(phi: Representation, array: np.ndarray, code_axes: int) -> bool:
    """Tell whether an array has the axes of a photo; `code_axes` is 0 if it is unknown."""
    prescribed, shape = phi.preprocessing, array.shape
    is_8_bit = array.dtype == "uint8" and prescribed.channels in (1, 3)
    channels = (1, 3) if is_8_bit else (prescribed.channels,)
    if array.ndim == 2:
        is_declared = prescribed.channels == 1 and prescribed.range is not None
        return is_declared or (is_8_bit and code_axes == 3)
    if array.ndim != 3 or not (shape[0] in channels or shape[2] in channels):
        return False
    height, width = shape[:2] if shape[2] in channels else shape[1:]
    is_unusual = prescribed.channels not in (1, 3) or prescribed.range is not None
    return is_unusual or min(height, width) >= _LEAST_SIDE
