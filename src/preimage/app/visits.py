"""The visitors of the app: the run and the files of each, which end when the visitor leaves."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

from preimage.app.downloads import Downloads
from preimage.app.runs import Run, Runs
from preimage.app.task import Task

MOST_VISITORS = 64
"""The number of visitors who are remembered; of more, those whose last run began first are not."""


class Visits:
    """The last run of each visitor, by the name of the visit that Gradio gives.

    Gradio tells when a page is closed, but not of visitors who have opened none and call the app
    themselves, under as many names as they like.
    """

    def __init__(self, runs: Runs) -> None:
        self.runs = runs
        self.downloads = Downloads()
        self._last: dict[str, Run] = {}
        self._files: dict[str, tuple[Run, list[Path]]] = {}
        self._waiting: set[str] = set()
        self._lock = threading.Lock()

    def wait(self, visitor: str) -> None:
        """Note that a visitor waits for a worker."""
        self._waiting.add(visitor)

    def begin(self, visitor: str, task: Task) -> Run:
        """Begin a run, after the visitor's last one has ended."""
        self._waiting.discard(visitor)
        self.stop(visitor)
        run = self.runs.begin(task)
        with self._lock:
            self._last.pop(visitor, None)
            self._last[visitor] = run
            ended = [name for name, known in self._last.items() if known.wait(0)]
            too_many = max(0, len(self._last) - MOST_VISITORS)
        for name in ended[:too_many]:
            self.leave(name)
        return run

    def last(self, visitor: str) -> Run | None:
        """Return the visitor's last run, which may still be running."""
        return self._last.get(visitor)

    def to_go_on(self, visitor: str) -> Task:
        """Return the task that goes on from the visitor's last result.

        Raises:
            ValueError: if there is no result to go on from.
        """
        run = self.last(visitor)
        if run is None or run.result is None:
            raise ValueError("there is no picture to go on from: press Start")
        if run.task.visualization == "caricature":
            raise ValueError("a caricature starts from its photo: give it more steps instead")
        return replace(run.task, start=run.result)

    def stop(self, visitor: str) -> Run | None:
        """Stop the visitor's last run, and return it when it has ended.

        None is returned if there is none, or the visitor waits for a worker: then no longer.
        """
        run = self.last(visitor)
        if visitor in self._waiting:
            self._waiting.discard(visitor)
            return None
        if run is not None:
            run.stop()
            run.wait()
        return run

    def write(self, visitor: str, run: Run) -> list[Path]:
        """Write the files of the visitor's last run, once, and return them.

        There are none if the run found nothing, is not the last one, or the visitor has left.
        """
        with self._lock:
            if self._last.get(visitor) is not run or run.result is None:
                return []
            of_run, files = self._files.get(visitor, (None, []))
            if of_run is not run:
                files = self.downloads.write(visitor, run.task, run.result)
                self._files[visitor] = run, files
            return files

    def leave(self, visitor: str) -> None:
        """Stop the visitor's run, and forget the visitor."""
        self._waiting.discard(visitor)
        with self._lock:
            run = self._last.pop(visitor, None)
            self._files.pop(visitor, None)
            self.downloads.forget(visitor)
        if run is not None:
            run.stop()
