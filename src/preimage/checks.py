"""Checks of numbers that users give: whole numbers, finite numbers, sizes of images and seeds."""

from __future__ import annotations

import math
import operator
import os
import signal
from collections.abc import Sequence
from typing import Any

MAX_PIXELS = 64_000_000
"""The largest number of pixels of an image, whether it is a photo or a result."""

MOST_STEPS = 1_000_000
"""The largest number of steps of a run; each step is recorded."""

MOST_THREADS = min(1024, max(16, 4 * (os.cpu_count() or 1)))
"""The largest number of threads of a process; with far more, torch ends the process."""

_LARGEST_SEED = 2**63 - 1
_MOST_SEEDS = 10**12


def whole(name: str, value: Any, least: int = 0, most: float = math.inf) -> int:
    """Return `value` as an int within limits; NumPy integers are accepted, booleans are not.

    Raises:
        ValueError: if `value` is not a whole number, or is out of range.

    >>> whole("jitter", 3, least=1)
    3
    >>> whole("jitter", 1.5, least=1)
    Traceback (most recent call last):
    ValueError: jitter must be a whole number, not 1.5
    """
    try:
        number = None if _is_truth_value(value) else operator.index(value)
    except TypeError:
        number = None
    if number is None:
        raise ValueError(f"{name} must be a whole number, not {value!r}")
    if number < least:
        raise ValueError(f"{name} must {_limits(least, math.inf)}, not {value!r}")
    if number > most:
        raise ValueError(f"{name} must be at most {most}, not {value!r}")
    return number


def finite(
    name: str,
    value: Any,
    least: float = -math.inf,
    most: float = math.inf,
    *,
    is_positive: bool = False,
) -> float:
    """Return `value` as a finite float within limits; booleans are not accepted.

    Raises:
        ValueError: if `value` is not a number, or is NaN, infinite or out of range.

    >>> finite("zoom", 1.5, least=1)
    1.5
    >>> finite("zoom", math.inf, least=1)
    Traceback (most recent call last):
    ValueError: zoom must be a finite number, not inf
    """
    try:
        is_number = not isinstance(value, str | bytes) and not _is_truth_value(value)
        number = float(value) if is_number else math.nan
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if is_positive and not number > 0:
        raise ValueError(f"{name} must be positive, not {value!r}")
    has_limits = math.isfinite(least) or math.isfinite(most)
    if has_limits and not least <= number <= most:
        raise ValueError(f"{name} must {_limits(least, most)}, not {value!r}")
    if not math.isfinite(number):
        raise ValueError(f"{name} must be a finite number, not {value!r}")
    return value if isinstance(value, int | float) else number


def _limits(least: float, most: float) -> str:
    """Return in words what must hold of a number between these limits."""
    if math.isfinite(least) and math.isfinite(most):
        return f"lie in {least}..{most}"
    if math.isfinite(most):
        return f"be at most {most}"
    return "not be negative" if least == 0 else f"be at least {least}"


def check_size(size: Any) -> int | tuple[int, int] | None:
    """Return the size of an image as whole numbers: one side, or height and width.

    Raises:
        ValueError: if a side is not a whole number of at least 1, or the image is too large.

    >>> check_size((240, 320)), check_size(None)
    ((240, 320), None)
    """
    if size is None:
        return None
    sides = list(size) if hasattr(size, "__len__") and not isinstance(size, str) else [size]
    words = f"size must be a side in pixels or (height, width), not {size!r}"
    if len(sides) not in (1, 2):
        raise ValueError(words)
    try:
        whole_sides = [whole("size", side, least=1) for side in sides]
    except ValueError:
        raise ValueError(words) from None
    if math.prod(whole_sides) > MAX_PIXELS:
        raise ValueError(
            f"a size of {' x '.join(map(str, whole_sides))} is more than the limit of "
            f"{MAX_PIXELS // 10**6} megapixels"
        )
    return whole_sides[0] if len(whole_sides) == 1 else (whole_sides[0], whole_sides[1])


def check_seeds(seeds: Any) -> Sequence[int]:
    """Return seeds as a sequence of whole numbers; a range stays a range.

    Raises:
        TypeError: if `seeds` is not a list, tuple, range or array.
        ValueError: if `seeds` is empty, or a seed is not a whole number from 0 to 2^63 - 1.

    >>> check_seeds(range(3))
    range(0, 3)
    """
    listed = seeds.tolist() if getattr(seeds, "ndim", None) else seeds
    if not isinstance(listed, Sequence) or isinstance(listed, str | bytes):
        raise TypeError(f"seeds must be a list or a range of seeds, not {seeds!r}")
    if not listed:
        raise ValueError("seeds is empty: give at least one seed")
    if isinstance(listed, range):
        if (listed[-1] - listed[0]) // listed.step >= _MOST_SEEDS:
            raise ValueError(f"{seeds!r}: at most {_MOST_SEEDS:,} seeds are computed in one call")
        for end in (listed[0], listed[-1]):
            whole("a seed", end, most=_LARGEST_SEED)
        return listed
    return [whole("a seed", seed, most=_LARGEST_SEED) for seed in listed]


def _is_truth_value(value: Any) -> bool:
    return isinstance(value, bool) or type(value).__name__ in ("bool", "bool_")


def is_signal(error: BaseException) -> bool:
    """Tell whether an error ends the process after a signal, as opposed to `sys.exit` elsewhere."""
    return isinstance(error, SystemExit) and error.code == 128 + signal.SIGTERM
