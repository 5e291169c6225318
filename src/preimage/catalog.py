"""From the names that a user types to representations."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from preimage.representations.base import Representation
from preimage.representations.dsift import DSIFT
from preimage.representations.hog import HOG

CLASSICAL: dict[str, tuple[Callable[[], Representation], str]] = {
    "hog": (HOG, "HOG, UoCTTI variant: 27 components in cells of 8 pixels"),
    "hogb": (lambda: HOG(bilinear=True), "HOG with bilinear orientation binning"),
    "dsift": (DSIFT, "dense SIFT: 128 components every 24 pixels, cells of 8 pixels"),
}
"""The classical representations by name, each with what it is."""


def representation(name: str) -> Representation:
    """The representation that a name stands for.

    Raises:
        ValueError: if there is none of that name; the nearest one is suggested.

    >>> representation("dsift").stride
    24
    """
    if name in CLASSICAL:
        return CLASSICAL[name][0]()
    near = difflib.get_close_matches(name, CLASSICAL, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(CLASSICAL)}"
    raise ValueError(f"unknown representation {name!r}: {hint}")
