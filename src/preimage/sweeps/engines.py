"""Engines, which carry out batches of trials: this process, or a pool of processes.

An engine draws a batch whenever a worker is free, and yields the results of each batch. It reports
the progress of each batch twice a second. A worker has a network and threads of its own. The same
batches give the same results on every engine, bit for bit, if each worker has the same number of
threads. In batches of another size, the results of networks may differ by rounding. If `film`,
results have a film of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch

from preimage.optimizer import Progress
from preimage.studies.loader import Loader
from preimage.studies.outcome import Failure, Outcome
from preimage.studies.worker import carry_out
from preimage.sweeps.batches import Batch, Queue
from preimage.workers import Died, Done, Failed, Pool, Report, Reporter, start_method

Results: TypeAlias = Sequence[Outcome | Failure]
Engine: TypeAlias = Callable[[Iterator[Batch]], Generator[Results, None, None]]


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
    film: bool = False,
    report_progress: ReportProgress = lambda _: None,
) -> Generator[Results, None, None]:
    """Carry out one batch after the other in this process; restore torch's threads afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    loader = Loader()
    try:
        for batch in batches:
            progress = _watched(batch, Reporter(report_progress))
            yield carry_out(batch.trials, batch.photos, loader, device, progress, film=film)
    finally:
        torch.set_num_threads(before)


def process_pool(
    batches: Iterator[Batch],
    *,
    workers: int,
    threads: int,
    device: str,
    film: bool = False,
    report_progress: ReportProgress = lambda _: None,
) -> Generator[Results, None, None]:
    """Carry out batches in worker processes, each with `threads` threads.

    A worker that dies is replaced. Its trials are tried again, one by one; a trial fails
    after `DEATHS` deaths of its workers. Workers end with this process, however it ends.
    """
    queue = Queue(batches)
    method = start_method(threads)
    with Pool(_Trials(device, film), workers=workers, threads=threads, method=method) as pool:
        while True:
            while pool.has_room and (batch := queue.next()) is not None:
                pool.begin(batch)
            if not pool.is_busy:
                return
            for event in pool.wait():
                match event:
                    case Report(value=progress):
                        report_progress(progress)
                    case Done(value=results):
                        yield results
                    case Failed(error=error):
                        raise error
                    case Died(task=lost, cause=cause):
                        yield queue.died(lost, cause)


class _Trials:
    """The work of a worker: batches of trials, with networks that it keeps between them."""

    def __init__(self, device: str, film: bool) -> None:
        self._loader, self._device, self._film = Loader(), device, film

    def __call__(self, batch: Batch, reporter: Reporter) -> Results:
        progress = _watched(batch, reporter)
        return carry_out(
            batch.trials, batch.photos, self._loader, self._device, progress, film=self._film
        )


def _watched(batch: Batch, reporter: Reporter) -> Callable[[Progress], None]:
    """Return a function to call after every step of a batch, by which it reports."""

    def report(progress: Progress) -> None:
        reporter(
            lambda: BatchProgress(
                batch.trials[0].key,
                progress.step,
                progress.steps,
                float(progress.energy.total.mean()),
            )
        )

    return report
