"""The progress of a visualization: a bar in notebooks and terminals, or a function of the caller.

The bar is that of tqdm: of widgets in Jupyter and Colab, of text where there are none and in
terminals. marimo has its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from typing import Literal, TypeAlias

from preimage.extras import install_command
from preimage.notebooks import find_marimo, is_notebook
from preimage.optimizer import Progress

ProgressLike: TypeAlias = Callable[[Progress], None] | Literal["auto", "bar"] | None
"""The values of the option `progress`."""

_SECONDS = 0.2
"""The time between two updates of a bar."""


def check_progress(progress: object) -> None:
    """Raise unless `progress` is known, and a bar that is asked for can be drawn.

    Raises:
        TypeError: if it is no function and no text.
        ValueError: if it is another text, or tqdm is missing.
    """
    if isinstance(progress, str) and progress not in ("auto", "bar"):
        raise ValueError(f'progress must be "auto", "bar", None or a function, not {progress!r}')
    if not (progress is None or isinstance(progress, str) or callable(progress)):
        raise TypeError(f'progress must be "auto", "bar", None or a function, not {progress!r}')
    if progress == "bar" and not _can_draw():
        raise ValueError(f"a progress bar needs tqdm: {install_command('notebook')}")


@contextmanager
def watched(progress: ProgressLike, name: str) -> Iterator[Callable[[Progress], None] | None]:
    """Yield the function that is called after each step, if any; close its bar at the end.

    "auto" is a bar in notebooks if it can be drawn, and nothing elsewhere.
    """
    if not isinstance(progress, str):
        yield progress
    elif progress == "auto" and not (is_notebook() and _can_draw()):
        yield None
    else:
        with ExitStack() as opened:
            yield _Steps(name, opened)


def _can_draw() -> bool:
    return find_marimo() is not None or find_spec("tqdm") is not None


class _Steps:
    """A bar that counts steps; it reads the energy, which waits for a GPU, a few times a second."""

    def __init__(self, name: str, opened: ExitStack) -> None:
        self._name, self._opened = name, opened
        self._advance: Callable[[int, str], object] | None = None
        self._done, self._last = 0, -_SECONDS

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._last < _SECONDS and progress.step < progress.steps:
            return
        if self._advance is None:
            self._advance = _open(self._name, progress.steps, self._opened)
        self._advance(
            progress.step - self._done, f"energy {float(progress.energy.total.mean()):.3g}"
        )
        self._done, self._last = progress.step, now


def _open(name: str, steps: int, opened: ExitStack) -> Callable[[int, str], object]:
    """Draw a bar of this front end; return a function of the number of new steps and of words."""
    if (marimo := find_marimo()) is not None:
        shown = opened.enter_context(marimo.status.progress_bar(total=steps, title=name))
        return lambda new, words: shown.update(new, subtitle=words)
    if is_notebook() and find_spec("ipywidgets"):
        from tqdm.notebook import tqdm as kind
    else:
        from tqdm.std import tqdm as kind
    bar = opened.enter_context(kind(total=steps, desc=name, unit="step", mininterval=0))

    def advance(new: int, words: str) -> None:
        bar.set_postfix_str(words, refresh=False)
        bar.update(new)

    return advance
