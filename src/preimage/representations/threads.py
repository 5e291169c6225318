"""The number of torch's threads: a given one, or the faster of one and the present number.

On a busy machine each operation waits for the slowest of its threads, which can make two of them
ten times as slow as one; small operations, such as those of HOG, gain nothing from a second one.
Therefore an evaluation of the representation and its gradient is timed with both numbers, before
any part of a result is computed. A whole result is computed with one number, which its record
names.

>>> with use_threads(1):
...     torch.get_num_threads()
1
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

_GAIN = 0.9
"""Several threads are chosen if they always take less than this fraction of one's least time."""
_TOO_SLOW = 1.5
"""If several threads first take more than this multiple of one's time, one is chosen."""
_SHORT, _ROUNDS = 0.1, 3
"""Evaluations that take fewer seconds than the first number are repeated that many times."""


@contextmanager
def use_threads(
    threads: int | None, evaluate: Callable[[], object] = lambda: None
) -> Iterator[None]:
    """Run the block with a number of threads; if None, with the faster number for `evaluate`.

    Afterwards torch has its earlier number again.
    """
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads or faster_number(evaluate))
        yield
    finally:
        torch.set_num_threads(before)


def faster_number(evaluate: Callable[[], object]) -> int:
    """Return torch's present number of threads, or 1 if `evaluate` is about as fast with one."""
    several = torch.get_num_threads()
    if several == 1:
        return 1
    _seconds(evaluate, 1)  # the very first call includes one-time preparations
    first, of_one = _seconds(evaluate, several), [_seconds(evaluate, 1)]
    if first > _TOO_SLOW * of_one[0]:
        return 1
    of_several = []
    for _ in range(_ROUNDS if of_one[0] < _SHORT else 1):
        of_several.append(_seconds(evaluate, several))
        of_one.append(_seconds(evaluate, 1))
    return several if max(of_several) < _GAIN * min(of_one) else 1


def _seconds(evaluate: Callable[[], object], threads: int) -> float:
    """Return the seconds that a call takes with this number of threads."""
    torch.set_num_threads(threads)
    began = time.perf_counter()
    evaluate()
    return time.perf_counter() - began
