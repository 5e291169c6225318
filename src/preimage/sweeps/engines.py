"""What carries out batches: this process, or a pool of processes.

An engine draws batches when it has room for one, and yields the results of each. The same
batches give the same results, bit for bit, on every engine with the same number of threads
a worker. Networks may round otherwise in batches of another size.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeAlias

import torch

from preimage.optimizer import Progress
from preimage.studies.loading import Loader
from preimage.studies.outcome import Failure, Outcome
from preimage.studies.worker import carry_out
from preimage.sweeps.batches import Batch
from preimage.sweeps.retries import Queue

Results: TypeAlias = Sequence[Outcome | Failure]
Engine: TypeAlias = Callable[[Iterator[Batch]], Iterator[Results]]

_SECONDS_BETWEEN_NEWS = 0.5


@dataclass(frozen=True, slots=True)
class News:
    """How far a batch is that is being carried out.

    Attributes:
        key: of its first trial.
        step: steps that are done.
        steps: of all.
        energy: the mean of Eq. 1 over the batch.
    """

    key: str
    step: int
    steps: int
    energy: float


Watch: TypeAlias = Callable[[News], None]


def _ignore(_: News) -> None:
    """Does nothing."""


def in_process(
    batches: Iterator[Batch], *, threads: int, device: str, watch: Watch = _ignore
) -> Iterator[Results]:
    """Carries out one batch after the other here, with so many threads.

    `watch` is told twice a second how far it is.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    loader = Loader()
    try:
        for batch in batches:
            tell = _teller(batch, watch)
            yield carry_out(batch.trials, batch.photos, loader, device, tell)
    finally:
        torch.set_num_threads(before)


def process_pool(
    batches: Iterator[Batch], *, workers: int, threads: int, device: str, watch: Watch = _ignore
) -> Iterator[Results]:
    """Carries out batches in worker processes, each with a network of its own.

    `watch` is told twice a second how far each is.

    A worker that dies is replaced and its trials are tried again, one by one, until they
    have cost `retries.DEATHS` workers. Workers end with this process, however it ends.
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
                    results = worker.receive()
                    if isinstance(results, News):
                        busy[connection] = (worker, batch)
                        watch(results)
                        continue
                    idle.append(worker)
                except (EOFError, ConnectionError):
                    results = queue.died(batch, f"exit status {worker.end()}")
                yield results
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
        self._process.start()
        theirs.close()

    def send(self, batch: Batch) -> None:
        """Gives it a batch; that it died meanwhile shows when its results are received."""
        with contextlib.suppress(ConnectionError):
            self.connection.send(batch)

    def receive(self) -> Results | News:
        """What it has to say of its batch; raises EOFError or ConnectionError if it died."""
        received: Results | News = self.connection.recv()
        return received

    def end(self) -> int | None:
        """Ends it at once; its exit status."""
        self._process.kill()
        self._process.join()
        self.connection.close()
        return self._process.exitcode


def _serve(connection: Connection, threads: int, device: str) -> None:
    """Carries out what comes until nothing comes any more; Ctrl-C is the driver's affair."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(threads)
    loader = Loader()
    try:
        while True:
            batch: Batch = connection.recv()
            tell = _teller(batch, connection.send)
            connection.send(carry_out(batch.trials, batch.photos, loader, device, tell))
    except (EOFError, ConnectionError):
        return


def _teller(batch: Batch, watch: Watch) -> Callable[[Progress], None]:
    """A callback for the steps of a batch that has news twice a second."""
    last = time.monotonic()

    def tell(progress: Progress) -> None:
        nonlocal last
        if time.monotonic() - last >= _SECONDS_BETWEEN_NEWS:
            last = time.monotonic()
            energy = float(progress.energy.total.mean())
            watch(News(batch.trials[0].key, progress.step, progress.steps, energy))

    return tell
