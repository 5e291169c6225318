"""The number of torch's threads: given, or the faster one of one and the present number.

On a busy machine each operation waits for the slowest of its threads, which can make two of them
ten times as slow as one; small operations, such as those of HOG, gain nothing from a second one.
So the number is measured with an evaluation of the representation and its gradient, before
anything is computed that a result depends on: a result has the bits of the number that its
record names.

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
"""Several threads must each time take less than this fraction of the least time of one."""
_TOO_SLOW = 1.5
"""If several threads take more than this multiple at first, they are not measured again."""
_SHORT, _ROUNDS = 0.1, 3
"""Evaluations of fewer seconds than this are measured so many times."""


@contextmanager
def use_threads(
    threads: int | None, evaluate: Callable[[], object] = lambda: None
) -> Iterator[None]:
    """Compute the block with a number of threads; if None, with the faster one for `evaluate`.

    Afterwards torch has the number that it had before.
    """
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads or faster_number(evaluate))
        yield
    finally:
        torch.set_num_threads(before)


def faster_number(evaluate: Callable[[], object]) -> int:
    """Return torch's present number of threads, or 1 if `evaluate` is as fast with a single one."""
    several = torch.get_num_threads()
    if several == 1:
        return 1
    _seconds(evaluate, 1)  # the first call of all prepares what later ones use
    first, of_one = _seconds(evaluate, several), [_seconds(evaluate, 1)]
    if first > _TOO_SLOW * of_one[0]:
        return 1
    of_several = []
    for _ in range(_ROUNDS if of_one[0] < _SHORT else 1):
        of_several.append(_seconds(evaluate, several))
        of_one.append(_seconds(evaluate, 1))
    return several if max(of_several) < _GAIN * min(of_one) else 1


def _seconds(evaluate: Callable[[], object], threads: int) -> float:
    """Return how long a call takes with this number of threads."""
    torch.set_num_threads(threads)
    began = time.perf_counter()
    evaluate()
    return time.perf_counter() - began
