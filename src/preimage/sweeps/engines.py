"""Engines, which carry out batches of trials: this process, or a pool of processes.

An engine draws a batch whenever a worker is free, and yields the results of each batch. It reports
the progress of each batch twice a second. A worker has a network and threads of its own. The same
batches give the same results on every engine, bit for bit, if each worker has the same number of
threads. In batches of another size, the results of networks may differ by rounding.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeAlias

import torch

from preimage.optimizer import Progress
from preimage.studies.loader import Loader
from preimage.studies.outcome import Failure, Outcome
from preimage.studies.worker import carry_out
from preimage.sweeps.batches import Batch, Queue

Results: TypeAlias = Sequence[Outcome | Failure]
Engine: TypeAlias = Callable[[Iterator[Batch]], Generator[Results, None, None]]

_SECONDS_BETWEEN_REPORTS = 0.5


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """The state of a batch: `step` of `steps` is done.

    Attributes:
        key: key of the batch's first trial.
        energy: the mean of Eq. 1 over the batch.
    """

    key: str
    step: int
    steps: int
    energy: float


ReportProgress: TypeAlias = Callable[[BatchProgress], None]


def in_process(
    batches: Iterator[Batch],
    *,
    threads: int,
    device: str,
    report_progress: ReportProgress = lambda _: None,
) -> Generator[Results, None, None]:
    """Carry out one batch after the other in this process; restore torch's threads afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    loader = Loader()
    try:
        for batch in batches:
            progress = _at_intervals(batch, report_progress)
            yield carry_out(batch.trials, batch.photos, loader, device, progress)
    finally:
        torch.set_num_threads(before)


def process_pool(
    batches: Iterator[Batch],
    *,
    workers: int,
    threads: int,
    device: str,
    report_progress: ReportProgress = lambda _: None,
) -> Generator[Results, None, None]:
    """Carry out batches in worker processes, each with `threads` threads.

    A worker that dies is replaced. Its trials are tried again, one by one; a trial fails
    after `DEATHS` deaths of its workers. Workers end with this process, however it ends.
    """
    queue = Queue(batches)
    idle: list[_Worker] = []
    busy: dict[Any, tuple[_Worker, Batch]] = {}
    try:
        while True:
            while len(busy) < workers and (batch := queue.next()) is not None:
                worker = idle.pop() if idle else _Worker(threads, device)
                busy[worker.connection] = (worker, batch)
                worker.send(batch)
            if not busy:
                return
            for connection in wait(list(busy)):
                worker, batch = busy.pop(connection)
                try:
                    message: Results | BatchProgress = worker.connection.recv()
                except (EOFError, ConnectionError):
                    yield queue.died(batch, f"exit status {worker.end()}")
                    continue
                if isinstance(message, BatchProgress):
                    busy[connection] = (worker, batch)
                    report_progress(message)
                else:
                    idle.append(worker)
                    yield message
    finally:
        for worker in [*idle, *(worker for worker, _ in busy.values())]:
            worker.end()


class _Worker:
    """A process that carries out one batch at a time."""

    def __init__(self, threads: int, device: str) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(
            target=_serve, args=(theirs, threads, device), daemon=True
        )
        with _without_interrupts():
            self._process.start()
        theirs.close()

    def send(self, batch: Batch) -> None:
        """Send a batch; if the process has died, only the next receive fails."""
        with contextlib.suppress(ConnectionError):
            self.connection.send(batch)

    def end(self) -> int | None:
        """Kill the process, and return its exit status."""
        self._process.kill()
        self._process.join()
        self.connection.close()
        return self._process.exitcode


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Block Ctrl-C while a process starts; it inherits this, and so is not stopped in an import.

    Python's resource tracker, which starts with the first process, would end the blocking.
    """
    if not hasattr(signal, "pthread_sigmask"):  # not a POSIX system
        yield
        return
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection, threads: int, device: str) -> None:
    """Carry out the batches that a connection brings, until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process at the other end handles Ctrl-C
    torch.set_num_threads(threads)
    loader = Loader()
    try:
        while True:
            batch: Batch = connection.recv()
            progress = _at_intervals(batch, connection.send)
            connection.send(carry_out(batch.trials, batch.photos, loader, device, progress))
    except (EOFError, ConnectionError):
        return


def _at_intervals(batch: Batch, report_progress: ReportProgress) -> Callable[[Progress], None]:
    """Return a function to call after every step of a batch; it reports twice a second."""
    last = time.monotonic()

    def report(progress: Progress) -> None:
        nonlocal last
        if time.monotonic() - last >= _SECONDS_BETWEEN_REPORTS:
            last = time.monotonic()
            energy = float(progress.energy.total.mean())
            key = batch.trials[0].key
            report_progress(BatchProgress(key, progress.step, progress.steps, energy))

    return report
