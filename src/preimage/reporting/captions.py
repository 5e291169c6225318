"""Captions in words: how much of a photo a code holds, and what the error of an inversion means."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from preimage.names import LayerName, split_arguments
from preimage.presets import CLASSICAL_QUALITIES, NETWORK_QUALITIES
from preimage.representations.code_grid import CodeGrid
from preimage.solver_settings import Algorithm1

POSITIONS = {"hog": "cells of HOG", "hogb": "cells of HOGb", "dsift": "descriptors of dense SIFT"}
"""The positions of codes that belong to no network, by representation, in words."""

_MEANINGS = (
    (
        0.05,
        "the photo's code but for traces.",
        "What looks different here hardly shows in the code.",
    ),
    (
        0.12,
        "very nearly the photo's code.",
        "Most of what looks different here is not in the code.",
    ),
    (
        0.25,
        "nearly the photo's code.",
        "What looks different here is not in the code, or not found.",
    ),
)
"""Errors, what a picture with at most that error has of the photo's code, and what this means after
the usual number of steps, if the code does not have more numbers than the photo."""

_MUCH = 0.6
"""The largest error of a picture that has much of the photo's code."""
_TOLD_APART = 0.9
"""The error of an image of one color below which a code tells images little apart."""
_NOTHING = "no picture with the photo's code was found, which says little about the code."


def usual_steps(representation: str) -> int:
    """Return the number of steps of the quality "fast" for a representation of this name.

    >>> usual_steps("hog"), usual_steps("vgg-m/fc7")
    (60, 200)
    """
    is_network = LayerName.parse(representation).network
    solver = (NETWORK_QUALITIES if is_network else CLASSICAL_QUALITIES)["fast"].solver
    return solver.iterations if isinstance(solver, Algorithm1) else solver.evaluations


def heading(representation: str, code: CodeGrid, steps: int | None = None) -> str:
    """Return the words above an inversion, which say what the picture was made from.

    Args:
        representation: its name.
        code: the layout of the photo's code, from `Representation.code_grid`.
        steps: the number of steps of the inversion. Too few do not show what the code tells.

    >>> heading("hog", CodeGrid((27, 8, 12), channels=27, grid=(8, 12)))
    'What 8 x 12 cells of HOG still tell'
    >>> heading("vgg-m/fc7", CodeGrid((4096, 1, 1), channels=4096, grid=(1, 1)), steps=20)
    'What 20 steps found from 4,096 responses without a place'
    """
    rows, columns = code.grid
    if code.positions == 1:
        words = f"{code.channels:,} responses without a place"
    else:
        name, _ = split_arguments(representation)
        words = f"{rows} x {columns} {POSITIONS.get(name, 'responses of this layer')}"
    if steps is not None and steps < usual_steps(representation):
        return f"What {_count_steps(steps)} found from {words}"
    return f"What {words} still tell"


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
    photo = "gray photo" if image_shape[0] == 1 else "photo"
    words = f"{count:,} numbers, {much} the {photo}'s {values:,}."
    if split_arguments(representation)[0] in POSITIONS:
        return words
    if field is None or field >= max(image_shape):
        return f"{words} Each can depend on the whole photo."
    return f"{words} Each depends on {field} x {field} pixels."


def error_in_words(
    error: float,
    representation: str,
    steps: int | None = None,
    *,
    is_larger: bool = False,
    of_one_color: float | None = None,
) -> str:
    """Return an error of an inversion (a fraction), and what it says about the picture.

    Args:
        error: the error.
        representation: its name.
        steps: the number of steps of the inversion.
        is_larger: whether the code has more numbers than the photo.
        of_one_color: the error of an image of one color alone, which is small if the
            representation tells images little apart. An error means less beside such a one.

    >>> print(error_in_words(0.123, "hog"))
    Error 12 %: nearly the photo's code. What looks different here is not in the code, or not found.
    >>> print(error_in_words(0.123, "hog", 20))
    Error 12 % after 20 steps: nearly the photo's code. What looks different here can be in the \
code all the same: 60 steps are usual.
    """
    percent = 100 * error
    size = f"{percent:.{1 if percent < 10 else 0}f}" if percent >= 0.1 else "below 0.1"
    after = "" if steps is None else f" after {_count_steps(steps)}"
    beside = ""
    if of_one_color is not None and of_one_color < _TOLD_APART:
        beside = f" (an image of one color: {100 * of_one_color:.0f} %)"
        error /= max(of_one_color, error)
    for most, near, words in _MEANINGS:
        if error <= most:
            doubt = _doubt(representation, steps, is_larger)
            return f"Error {size} %{after}{beside}: {near} {doubt or words}"
    far = _much(representation, steps) if error <= _MUCH else _NOTHING
    return f"Error {size} %{after}{beside}: {far}"


def _much(representation: str, steps: int | None) -> str:
    """Return what a picture with much of a photo's code says, and how many steps are usual."""
    usual = usual_steps(representation)
    more = f": {usual} are usual" if steps is not None and steps < usual else ""
    return f"much of the photo's code. More steps may bring the picture closer to it{more}."


def _doubt(representation: str, steps: int | None, is_larger: bool) -> str:
    """Return why a difference from the photo may be in the code all the same; "" if it may not."""
    if steps is not None and steps < (usual := usual_steps(representation)):
        reason = f"{usual} steps are usual"
    elif is_larger:
        reason = "it has more numbers than the photo"
    else:
        return ""
    return f"What looks different here can be in the code all the same: {reason}."


def _count_steps(steps: int) -> str:
    """Return a number of steps in words."""
    return "1 step" if steps == 1 else f"{steps:,} steps"
