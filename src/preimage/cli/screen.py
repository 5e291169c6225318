"""The progress of a run, on standard error and in a log file."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from preimage.cli.progress import ProgressBar, progress_bar
from preimage.cli.tables import percent
from preimage.files import check_replaceable
from preimage.studies.measures import Measures
from preimage.studies.outcome import Failure, Outcome
from preimage.studies.trial import Trial
from preimage.sweeps.engines import BatchProgress


class Screen:
    """The display of a run: trials done and failed, their rate and the remaining time.

    Where standard error is no terminal, which alone shows the bar, it gets a line every minute.

    Args:
        bar: the bar on standard error.
        log: gets a line for each trial.
        trials: all trials of the run.
    """

    def __init__(self, bar: ProgressBar, log: logging.Logger, trials: Sequence[Trial]) -> None:
        self._bar = bar
        self._log = log
        self._begin = time.perf_counter()
        self._names = {trial.key: trial.description for trial in trials}
        self._done = self._failed = 0

    def report(self, result: Outcome | Failure) -> None:
        """Show and log one result."""
        name = self._names[result.key]
        if isinstance(result, Failure):
            self._failed += 1
            self._log.error("failed %s %s: %s", result.key, name, result.reason)
            last = f"failed: {name}"
        else:
            words, seconds = _numbers(result.measures), result.measures.seconds
            self._log.info("done %s %s: %s, %.2f s", result.key, name, words, seconds)
            last = f"{name}: {words}"
        self._done += 1
        self._update(last)

    def report_progress(self, progress: BatchProgress) -> None:
        """Show the state of a trial that is being carried out."""
        name, energy = self._names[progress.key], f"energy {progress.energy:.4g}"
        self._update(f"{name}: {progress.step} of {progress.steps}, {energy}")

    def _update(self, last: str) -> None:
        """Show how many trials are done and failed, their rate, and the `last` state."""
        rate = f"{60 * self._done / (time.perf_counter() - self._begin):.3g} a minute"
        words = f"{self._failed} failed  {rate}  {last}"
        self._bar.update(self._done, len(self._names), words)
        self._bar.print_line(f"{self._done} of {len(self._names)} trials  {words}")


@contextmanager
def open_screen(trials: Sequence[Trial], log_file: Path, title: str) -> Iterator[Screen]:
    """Show and log the progress of a run.

    Args:
        trials: all trials of the run.
        log_file: file to add lines to.
        title: the first line to add.

    Raises:
        OSError: if the log file cannot be written, or is a folder, a pipe, a socket or a device.
    """
    check_replaceable(log_file)
    handler = _QuietHandler(log_file, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(message)s"))
    log = logging.Logger("preimage.study", logging.INFO)
    log.addHandler(handler)
    log.info(title)
    try:
        with progress_bar() as bar:
            yield Screen(bar, log, trials)
    finally:
        handler.close()


class _QuietHandler(logging.FileHandler):
    """A log file whose errors are ignored: the store reports that a disk is full."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Do nothing."""


def _numbers(measures: Measures) -> str:
    """Return error or response, and the energy if there is one, as text."""
    words = []
    if measures.error is not None:
        words.append(f"error {percent(measures.error)}")
    if measures.response is not None:
        words.append(f"response {measures.response:.4g}")
    if measures.energy is not None:
        words.append(f"energy {measures.energy:.4g}")
    return ", ".join(words)
