"""The one progress bar of all commands, on standard error."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from preimage.cli.errors import console

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from preimage.optimizer import Progress as StepProgress

_STEPS_BETWEEN_UPDATES = 5

_TIMED = 3
"""The number of images by which the time that others take is estimated."""

_SECONDS_BETWEEN_LINES = 60
"""The time between two lines of progress where there is no terminal, such as in a file."""

_LONG_SECONDS = 20
"""A time left that is worth a line."""


def announce(seconds: float, what: str, option: str) -> None:
    """Print the time left for the rest of several inputs, if it is long.

    Args:
        seconds: the time left.
        what: the inputs, with their number.
        option: the option that takes fewer of them.
    """
    if is_long(seconds):
        left = in_words(seconds)
        console.print(
            f"{what}: about {left} left; finished results are kept, and {option} takes fewer"
        )


def is_long(seconds: float) -> bool:
    """Return whether a time that is left is worth a line."""
    return seconds > _LONG_SECONDS


def in_words(seconds: float) -> str:
    """Return a time in minutes or seconds.

    >>> in_words(40), in_words(150)
    ('40 seconds', '2 minutes')
    """
    return f"{seconds / 60:.0f} minutes" if seconds > 90 else f"{seconds:.0f} seconds"


class ProgressBar:
    """A bar with a name before it, and a count, a few words and the remaining time behind it."""

    def __init__(self, bar: Progress, task: TaskID) -> None:
        self._bar, self._task = bar, task
        self._last_line = time.monotonic()

    def start(self, name: str) -> None:
        """Start again from zero, under another name."""
        self._bar.reset(self._task, description=name, total=None, words="")

    def update(self, done: int, total: int | None, words: str = "") -> None:
        """Show how much is done; if the total is None, it is not known."""
        self._bar.update(self._task, completed=done, total=total, words=words)

    def print_line(self, line: str) -> None:
        """Print a line where standard error is no terminal, which alone shows the bar.

        Only the first of a minute is printed.
        """
        now = time.monotonic()
        if not console.is_terminal and now - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = now
            console.print(line)

    def update_bytes(self, done: int, total: int | None) -> None:
        """Show, in units of 2^20 bytes, how many bytes are done."""
        self.update(done // 2**20, total // 2**20 if total else None, "MiB")

    def for_steps(self, name: str) -> Callable[[StepProgress], None]:
        """Start again for a visualization, and return a function to pass as its `progress`."""
        self.start(name)

        def report(progress: StepProgress) -> None:
            if progress.step % _STEPS_BETWEEN_UPDATES == 0 or progress.step == progress.steps:
                energy = float(progress.energy.total.mean())
                self.update(progress.step, progress.steps, f"energy {energy:.3g}")

        return report

    def for_images(self, name: str) -> Callable[[int, int], None]:
        """Start again for a count of images, and return a function to call after each image."""
        self.start(name)
        return lambda done, total: self.update(done, total, "images")

    def for_batches(self, name: str) -> Callable[[int, int], None]:
        """Start again for batches of patches; as `for_images`, with a line a minute in a file."""
        self.start(name)
        first = list[tuple[float, int]]()

        def report(done: int, total: int) -> None:
            self.update(done, total, "batches of patches")
            if not first:
                first.append((time.monotonic(), done))
            begin, already = first[0]
            if done > already:
                seconds = (time.monotonic() - begin) / (done - already) * (total - done)
                left = in_words(seconds)
                self.print_line(f"{name}: {done} of {total} batches of patches, about {left} left")

        return report

    def for_codes(
        self, name: str, what: str, kept: str = "codes that are done are kept for the next run"
    ) -> Callable[[int, int], None]:
        """Start again as for images; the function also prints the time left, once, if it is long.

        `what` names the codes that are computed, of which there may be hundreds; the line is also
        printed where no bar is shown. `kept`, which says what an interruption loses, ends it.
        """
        times, show = list[float](), self.for_images(name)

        def report(done: int, total: int) -> None:
            show(done, total)
            times.append(time.monotonic())
            if len(times) == 1 + _TIMED:
                seconds = (times[-1] - times[0]) / _TIMED * (total - done)
                if is_long(seconds):
                    console.print(f"{total} {what}: about {in_words(seconds)} left; {kept}")

        return report


@contextlib.contextmanager
def progress_bar() -> Iterator[ProgressBar]:
    """Show a bar while the block runs, on a terminal only; remove the bar at the end."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[words]}"),
        TimeRemainingColumn(),
    )
    bar = Bar(*columns, console=console, transient=True)
    with bar if console.is_terminal else contextlib.nullcontext():
        yield ProgressBar(bar, bar.add_task("", total=None, words=""))
