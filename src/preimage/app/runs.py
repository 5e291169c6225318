"""Runs of the app: tasks in worker processes, watched step by step, and stopped.

A worker is a process of its own, which carries out one task at a time with one thread. It loads a
network when the first task needs it, and keeps it.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from preimage.app.task import Task
from preimage.names import one_line
from preimage.workers import Died, Done, Failed, Pool, Report, Reporter, start_method

if TYPE_CHECKING:
    from preimage.app.frames import Frame
    from preimage.visualizations import PreImage

_GLANCE = 0.1
"""Seconds between two looks whether a run is to stop."""
_PATIENCE = 30.0
"""Seconds after which the worker of a run that does not stop is killed."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The work of a run before its first step, in words."""

    words: str


class Run:
    """A task in a worker, which a thread of this process listens to.

    Attributes:
        task: the task.
        result: the images that were found, once the run has ended; None if there are none.
        error: why there are none, in one line.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.result: PreImage | None = None
        self.error: str | None = None
        self._events: queue.Queue[Stage | Frame | None] = queue.Queue()
        self._stop = threading.Event()
        self._ended = threading.Event()

    def stop(self) -> None:
        """Ask the run to stop after its next step, with the picture that it has then."""
        self._stop.set()

    @property
    def is_stopped(self) -> bool:
        """True if the run was asked to stop."""
        return self._stop.is_set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the run has ended; return whether it has."""
        return self._ended.wait(seconds)

    def events(self, seconds: float = 1.0) -> Iterator[Stage | Frame | None]:
        """Yield stages and frames as they come until the run has ended, and stop it if left early.

        None is yielded if nothing has come for so many seconds.
        """
        try:
            while not (self._ended.is_set() and self._events.empty()):
                try:
                    event = self._events.get(timeout=seconds)
                except queue.Empty:
                    yield None
                else:
                    if event is not None:
                        yield event
        finally:
            self.stop()

    def follow(self, pool: Pool) -> None:
        """Carry out the task in a pool of one worker, until it has ended."""
        try:
            self._follow(pool)
        finally:
            self._ended.set()
            self._events.put(None)

    def _follow(self, pool: Pool) -> None:
        asked: float | None = None
        pool.begin(self.task)
        while pool.is_busy:
            for event in pool.wait(_GLANCE):
                match event:
                    case Report():
                        self._events.put(event.value)
                    case Done():
                        self.result = event.value
                    case Failed() if isinstance(event.error, KeyboardInterrupt):
                        self.error = "stopped before there was a picture"
                    case Failed() | Died():
                        self.error = _explain(event.error)
            if self._stop.is_set() and asked is None:
                asked = time.monotonic()
                pool.stop()
            if asked is not None and time.monotonic() - asked > _PATIENCE:
                pool.end()
                self.error = "stopped before there was a picture"


def _explain(error: BaseException) -> str:
    """Return an error that a user can cause as its message, any other with its kind."""
    if isinstance(error, ValueError | ArithmeticError | OSError):
        return one_line(str(error))
    return one_line(f"{type(error).__name__}: {error}")


class Runs:
    """The workers of the app, each of which carries out one task at a time.

    Args:
        workers: number of processes, which start when they are needed.

    Attributes:
        workers: their number.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pools = [
            Pool(carry_out, workers=1, threads=1, method=start_method(can_copy=False))
            for _ in range(workers)
        ]
        self._free: queue.LifoQueue[Pool] = queue.LifoQueue()
        for pool in self._pools:
            self._free.put(pool)

    def warm(self) -> None:
        """Start all workers, so that a visitor's first run need not wait for that."""
        for _ in self._pools:
            self._lend(_warm)

    def begin(self, task: Task) -> Run:
        """Begin a task, if necessary after waiting for a worker."""
        run = Run(task)
        self._lend(run.follow)
        return run

    def _lend(self, use: Callable[[Pool], None]) -> None:
        """Use a free worker in a thread of its own, and have it back afterwards."""
        pool = self._free.get()

        def lend() -> None:
            try:
                use(pool)
            finally:
                self._free.put(pool)

        threading.Thread(target=lend, daemon=True).start()

    def close(self) -> None:
        """End all workers; runs under way end with an error."""
        for pool in self._pools:
            pool.kill()


def _warm(pool: Pool) -> None:
    """Start the worker of a pool."""
    pool.begin(None)
    while pool.is_busy:
        list(pool.wait())


def carry_out(task: Task | None, reporter: Reporter) -> PreImage | None:
    """Carry out a task in a worker, and report its stages and frames; without one, only start."""
    from preimage.app.frames import Frames

    if task is None:
        return None
    words = f"loading {task.network}" if task.network else "starting"
    reporter(lambda: Stage(words), always=True)
    model = task.model()
    if task.visualization == "maximize":
        reporter(lambda: Stage("measuring responses to photos"), always=True)
    return task.carry_out(model, Frames(task, model, reporter))
