"""What carries out batches: this process, or a pool of processes.

An engine draws batches when it has room for one, and yields the results of each. The same
batches give the same results, bit for bit, on every engine with the same number of threads
a worker. Networks may round otherwise in batches of another size.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeAlias

import torch

from preimage.experiments.carry_out import carry_out
from preimage.experiments.loading import Loader
from preimage.experiments.outcome import Failure, Outcome
from preimage.sweeps.batches import Batch
from preimage.sweeps.retries import Queue

Results: TypeAlias = Sequence[Outcome | Failure]
Engine: TypeAlias = Callable[[Iterator[Batch]], Iterator[Results]]


def in_process(batches: Iterator[Batch], *, threads: int, device: str) -> Iterator[Results]:
    """Carries out one batch after the other here, with so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    loader = Loader()
    try:
        for batch in batches:
            yield carry_out(batch.trials, batch.photos, loader, device)
    finally:
        torch.set_num_threads(before)


def process_pool(
    batches: Iterator[Batch], *, workers: int, threads: int, device: str
) -> Iterator[Results]:
    """Carries out batches in worker processes, each with a network of its own.

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

    def receive(self) -> Results:
        """The results of its batch; raises EOFError or ConnectionError if it died."""
        results: Results = self.connection.recv()
        return results

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
            connection.send(carry_out(batch.trials, batch.photos, loader, device))
    except (EOFError, ConnectionError):
        return
