"""Captions in words: how much of a photo a code holds, and what the error of an inversion means."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from preimage.representations.code_grid import CodeGrid

POSITIONS = {"hog": "cells of HOG", "hogb": "cells of HOGb", "dsift": "descriptors of dense SIFT"}
"""The positions of codes that belong to no network, by representation, in words."""

_MEANINGS = (
    (0.05, "the photo's code but for traces. What looks different here hardly shows in the code."),
    (0.12, "very nearly the photo's code. Most of what looks different here is not in the code."),
    (0.25, "nearly the photo's code. What looks different here is not in the code, or not found."),
    (0.6, "much of the photo's code. More steps would bring the picture closer to it."),
)
"""Errors, and what a picture with at most that error has of the photo's code."""

_NOTHING = "no picture with the photo's code was found, which says little about the code."


def heading(representation: str, code: CodeGrid) -> str:
    """Return the words above an inversion, which say what the picture was made from.

    Args:
        representation: its name.
        code: the layout of the photo's code, from `Representation.code_grid`.

    >>> heading("hog", CodeGrid((27, 8, 12), channels=27, grid=(8, 12)))
    'What 8 x 12 cells of HOG still tell'
    >>> heading("vgg-m/fc7", CodeGrid((4096, 1, 1), channels=4096, grid=(1, 1)))
    'What 4,096 responses without a place still tell'
    """
    rows, columns = code.grid
    if code.positions == 1:
        return f"What {code.channels:,} responses without a place still tell"
    words = POSITIONS.get(representation, "responses of this layer")
    return f"What {rows} x {columns} {words} still tell"


def code_in_words(
    representation: str, code: CodeGrid, field: int | None, image_shape: Sequence[int]
) -> str:
    """Return the size of a photo's code beside the photo's, and what each number depends on.

    Args:
        representation: its name.
        code: the layout of the photo's code.
        field: the size of the receptive field in pixels; None for the whole photo.
        image_shape: channels, height and width of the photo.

    >>> conv3 = CodeGrid((256, 7, 7), channels=256, grid=(7, 7))
    >>> print(code_in_words("alexnet/conv3", conv3, 99, (3, 224, 224)))
    12,544 numbers, 8.3 % of the photo's 150,528. Each depends on 99 x 99 pixels.
    """
    count, values = prod(code.code_shape), prod(image_shape)
    much = f"{100 * count / values:.2g} % of" if count < values else f"{count / values:.2g} times"
    words = f"{count:,} numbers, {much} the photo's {values:,}."
    if representation in POSITIONS:
        return words
    if field is None or field >= max(image_shape):
        return f"{words} Each can depend on the whole photo."
    return f"{words} Each depends on {field} x {field} pixels."


def error_in_words(error: float) -> str:
    """Return an error of an inversion (a fraction), and what it says about the picture.

    >>> print(error_in_words(0.123))
    Error 12 %: nearly the photo's code. What looks different here is not in the code, or not found.
    """
    percent = 100 * error
    size = f"{percent:.{1 if percent < 10 else 0}f}" if percent >= 0.1 else "below 0.1"
    meaning = next((words for most, words in _MEANINGS if error <= most), _NOTHING)
    return f"Error {size} %: {meaning}"
