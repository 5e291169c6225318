"""What carries out batches: this process, or a pool of processes.

An engine draws batches when it has room for one, and yields the results of each. The same
batches give the same results, bit for bit, on every engine with the same number of threads
a worker. Networks may round otherwise in batches of another size.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TypeAlias

import torch

from preimage.experiments.carry_out import carry_out
from preimage.experiments.loading import Loader
from preimage.experiments.outcome import Failure, Outcome
from preimage.sweeps.batches import Batch

Results: TypeAlias = Sequence[Outcome | Failure]
Engine: TypeAlias = Callable[[Iterator[Batch]], Iterator[Results]]

DEATHS = 3
"""A trial that so many worker processes died of is a failed one."""


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
    have cost `DEATHS` workers. Workers end with this process, however it ends.
    """
    deaths: Counter[str] = Counter()
    again: list[Batch] = []
    pool: list[_Worker] = []
    try:
        while True:
            while sum(worker.batch is not None for worker in pool) < workers:
                batch = again.pop() if again else next(batches, None)
                if batch is None:
                    break
                _idle(pool, threads, device).start(batch)
            busy = [worker for worker in pool if worker.batch is not None]
            if not busy:
                return
            ready = wait([worker.connection for worker in busy])
            for worker in busy:
                if worker.connection not in ready:
                    continue
                try:
                    yield worker.finish()
                except (EOFError, ConnectionError):
                    pool.remove(worker)
                    failures = _retry(worker, deaths, again)
                    if failures:
                        yield failures
    finally:
        for worker in pool:
            worker.end()


def _idle(pool: list[_Worker], threads: int, device: str) -> _Worker:
    for worker in pool:
        if worker.batch is None:
            return worker
    pool.append(_Worker(threads, device))
    return pool[-1]


def _retry(worker: _Worker, deaths: Counter[str], again: list[Batch]) -> list[Failure]:
    """Puts the trials of a dead worker up again; those that have killed enough fail."""
    failures = []
    code = worker.end()
    for single in worker.batch.split() if worker.batch else []:
        key = single.trials[0].key
        deaths[key] += 1
        if deaths[key] < DEATHS:
            again.append(single)
        else:
            reason = f"its worker process died {DEATHS} times (exit status {code})"
            failures.append(Failure(key, reason))
    return failures


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
        self.batch: Batch | None = None

    def start(self, batch: Batch) -> None:
        """Gives it a batch; that it died meanwhile shows when it should finish."""
        self.batch = batch
        with contextlib.suppress(ConnectionError):
            self.connection.send(batch)

    def finish(self) -> Results:
        """The results of its batch; raises EOFError or ConnectionError if it died."""
        results: Results = self.connection.recv()
        self.batch = None
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
