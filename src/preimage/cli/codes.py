"""Saved arrays (.npy) as `invert` takes them: a code, a batch of codes, or a photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from preimage.names import unknown

if TYPE_CHECKING:
    import numpy as np

    from preimage.representations.base import Representation


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

    An array is a photo if it has the shape of a photo and not of a code, and if the network takes
    photos that picture files cannot hold: of other than 1 or 3 channels, or with a declared range.
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
    prescribed = phi.preprocessing
    is_unusual = prescribed.channels not in (1, 3) or prescribed.range is not None
    has_channels = array.ndim == 3 and prescribed.channels in (shape[0], shape[2])
    is_flat = array.ndim == 2 and prescribed.channels == 1
    return [array], is_unusual and shape != expected and (has_channels or is_flat)
