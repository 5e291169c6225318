"""Captions in words: how much of a photo a code holds, and what the error of an inversion means."""

from __future__ import annotations

from math import prod

from preimage.representations.base import Representation

_PLACES = {"hog": "cells of HOG", "hogb": "cells of HOGb", "dsift": "descriptors of dense SIFT"}
"""The places of classical codes, in words."""

_SMALL, _LARGE = 0.25, 0.6
"""Errors up to which a picture has nearly the photo's code, and up to which it has most of it."""


def heading(representation: Representation, size: tuple[int, int]) -> str:
    """Return the words above an inversion: which part of a photo's code the picture was made from.

    Args:
        representation: Phi.
        size: height and width of the photo.

    >>> from preimage.representations.hog import HOG
    >>> heading(HOG(), (64, 96))
    'What 8 x 12 cells of HOG still tell'
    """
    shape = representation.code_shape(*size)
    if len(shape) == 1 or prod(shape[1:]) == 1:
        return f"What {shape[0]:,} responses without a place still tell"
    places = _PLACES.get(representation.name, "responses of this layer")
    try:
        rows, columns = representation.code_grid(*size).grid
    except ValueError:  # a code without channels
        return f"What {prod(shape):,} {places} still tell"
    return f"What {rows} x {columns} {places} still tell"


def code_in_words(representation: Representation, size: tuple[int, int]) -> str:
    """Return the numbers in a photo's code, compared with the photo's, and what each depends on.

    >>> from preimage.representations.hog import HOG
    >>> print(code_in_words(HOG(), (64, 96)))
    2,592 numbers, 42 % of the photo's 6,144.
    """
    count = prod(representation.code_shape(*size))
    values = representation.preprocessing.channels * prod(size)
    ratio = count / values
    much = f"{100 * ratio:.2g} % of" if ratio < 1 else f"{ratio:.2g} times"
    words = f"{count:,} numbers, {much} the photo's {values:,}."
    if not representation.layers:
        return words
    field = representation.receptive_field
    if field is None or field.size >= max(size):
        return f"{words} Each can depend on the whole photo."
    return f"{words} Each depends on {field.size} x {field.size} pixels."


def error_in_words(error: float) -> str:
    """Return an error of an inversion (a fraction), and what it says about the picture.

    >>> print(error_in_words(0.123))
    Error 12 %: nearly the photo's code, which hardly shows what differs from the photo.
    """
    percent = 100 * error
    words = f"Error {percent:.{1 if percent < 10 else 0}f} %"
    if error <= _SMALL:
        return f"{words}: nearly the photo's code, which hardly shows what differs from the photo."
    if error <= _LARGE:
        return (
            f"{words}: much of the photo's code. More steps would bring the picture closer to it."
        )
    return f"{words}: no picture with the photo's code was found, which says little about the code."
