"""Tasks shared out among worker processes."""

from __future__ import annotations

import multiprocessing
import pickle
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, cast

from preimage.workers.process import (
    STOP,
    Died,
    Done,
    Event,
    Failed,
    Function,
    Report,
    Reporter,
    Sent,
    Worker,
    WorkerError,
    in_words,
    without_interrupts,
)

_SHOWN: dict[Any, Any] = {}
"""The warnings of workers that were shown, so that several workers show one of them once."""


class Pool:
    """Worker processes that are started when they are needed, and killed at the end.

    Args:
        function: what a worker calls for each task. It is copied with this process or, if workers
            start anew, sent to each worker, as every task is.
        workers: largest number of processes.
        threads: number of torch's threads in each.
        method: how workers start, of those that `start_method` returns.

    Raises:
        WorkerError: if this process may have no workers.
        ValueError: if the function cannot be sent.
    """

    def __init__(self, function: Function, *, workers: int, threads: int, method: str) -> None:
        if multiprocessing.current_process().daemon:
            raise WorkerError("this process is a worker itself, and can have no workers")
        self._function = function if method == "fork" else Sent(function)
        self._workers, self._threads, self._method = workers, threads, method
        self._idle: list[Worker] = []
        self._busy: dict[Connection, tuple[Worker, Any]] = {}
        self._events: list[Event] = []

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Kill all workers, whose tasks are lost; the next task starts one anew."""
        for worker in self._all():
            worker.end()
        self._idle.clear()
        self._busy.clear()

    def _all(self) -> list[Worker]:
        return [*self._idle, *(worker for worker, _ in list(self._busy.values()))]

    def kill(self) -> None:
        """Kill all workers, also from another thread: `wait` then tells of each task that it died.

        `end` is for the thread that uses the pool, and forgets the tasks.
        """
        for worker in self._all():
            worker.kill()

    @property
    def is_busy(self) -> bool:
        """True if a task is being carried out, or has an end that `wait` has not told of yet."""
        return bool(self._busy or self._events)

    @property
    def has_room(self) -> bool:
        """True if another task can begin at once."""
        return len(self._busy) < self._workers

    def begin(self, task: Any) -> None:
        """Give a task to a worker that has none."""
        while self._idle and not self._idle[-1].is_alive:
            self._idle.pop().end()
        if not self._idle:
            others = [worker.connection for worker in self._all()]
            self._idle.append(Worker(self._function, others, self._threads, self._method))
        worker = self._idle[-1]
        self._busy[worker.connection] = (worker, task)  # before it is no longer idle, for `kill`
        self._idle.pop()
        worker.send(task)

    def wait(self, seconds: float | None = None) -> Iterator[Event]:
        """Wait until something has happened, and yield it; an interruption loses none of it.

        If nothing happens for so many seconds, yield nothing.
        """
        if not self._events:
            for connection in wait(list(self._busy), seconds):
                with without_interrupts():
                    self._events.append(self._receive(cast("Connection", connection)))
        while self._events:
            yield self._events.pop(0)

    def _receive(self, connection: Connection) -> Event:
        worker, task = self._busy[connection]
        try:
            kind, pickled, caught = pickle.loads(connection.recv_bytes())
        except (EOFError, ConnectionError):
            del self._busy[connection]
            return Died(task, in_words(worker.end()))
        for message, category, file, line in caught:
            warnings.warn_explicit(message, category, file, line, registry=_SHOWN)
        value = pickle.loads(pickled)
        if kind is Report:
            return Report(task, value)
        del self._busy[connection]
        self._idle.append(worker)
        return Done(task, value) if kind is Done else Failed(task, value)

    def stop(self) -> None:
        """Ask all tasks to stop, each of which then ends with what it has."""
        for worker, _ in self._busy.values():
            worker.send(STOP)


def share(
    function: Function,
    tasks: Sequence[Any],
    *,
    workers: int,
    threads: int = 1,
    method: str,
    watch: Callable[[int, Any], object] = lambda index, value: None,
) -> Generator[tuple[int, Done | Failed | Died], None, None]:
    """Carry out tasks in workers, and yield the index and the end of each when it has ended.

    After Ctrl-C no task is begun, and those that were begun stop: they end with what they have,
    or fail with KeyboardInterrupt. A second Ctrl-C raises KeyboardInterrupt. `watch` is called with
    the index and the state of a task, twice a second.
    """
    waiting, is_stopped = iter(range(len(tasks))), False
    with Pool(_Indexed(function, tasks), workers=workers, threads=threads, method=method) as pool:
        while True:
            while not is_stopped and pool.has_room and (n := next(waiting, None)) is not None:
                pool.begin(n)
            if not pool.is_busy:
                return
            try:
                for event in pool.wait():
                    if isinstance(event, Report):
                        watch(event.task, event.value)
                    else:
                        yield event.task, event
            except KeyboardInterrupt:
                if is_stopped:
                    raise
                is_stopped = True
                pool.stop()


@dataclass(frozen=True, slots=True)
class _Indexed:
    """A function of the index of a task, so that copies of this process need not be sent tasks."""

    function: Function
    tasks: Sequence[Any]

    def __call__(self, index: int, reporter: Reporter) -> Any:
        return self.function(self.tasks[index], reporter)
