"""Carries out what a store lacks of a study."""

from __future__ import annotations

import contextlib
import functools
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType

from preimage.studies.outcome import Failure, Outcome
from preimage.studies.trial import Trial
from preimage.sweeps.batches import Batch, group, read_photos
from preimage.sweeps.engines import Engine, Watch, in_process, process_pool
from preimage.sweeps.store import Store

Report = Callable[[Outcome | Failure], None]


@dataclass(slots=True)
class Stop:
    """Whether the user asked to stop: no new trial is begun then."""

    asked: bool = False


def choose_engine(workers: int, threads: int, device: str, watch: Watch) -> Engine:
    """This process for one worker, a pool for several."""
    if workers == 1:
        return functools.partial(in_process, threads=threads, device=device, watch=watch)
    return functools.partial(
        process_pool, workers=workers, threads=threads, device=device, watch=watch
    )


def run(
    store: Store,
    trials: Sequence[Trial],
    engine: Engine,
    *,
    batch: int = 1,
    retry: bool = False,
    report: Report,
    stop: Stop,
) -> None:
    """Carries out those of the trials that the store lacks, and keeps what comes of each.

    Args:
        store: where results go.
        trials: what to do.
        engine: what carries them out.
        batch: how many trials that differ in their photos alone to do at a time.
        retry: whether to try those again that failed.
        report: called with each result once it is kept.
        stop: ends the run when what was begun is finished.

    Raises:
        OSError: if the store cannot be written; what it holds stays valid.
    """

    def keep(result: Outcome | Failure) -> None:
        store.put(result)
        report(result)

    def batches() -> Iterator[Batch]:
        for alike in group(trials, batch):
            if stop.asked:
                return
            ready, unreadable = read_photos(store.claim(alike, retry=retry))
            for failure in unreadable:
                keep(failure)
            if ready is not None:
                yield ready

    with contextlib.closing(engine(batches())) as finished:  # type: ignore[type-var]
        for results in finished:
            for result in results:
                keep(result)


@contextlib.contextmanager
def graceful_stop(announce: Callable[[], None]) -> Iterator[Stop]:
    """The first Ctrl-C asks to stop, the second raises KeyboardInterrupt.

    In another thread than the main one, Ctrl-C stays what it is.
    """
    stop = Stop()

    def handle(_signal: int, _frame: FrameType | None) -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.asked = True
        announce()

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = signal.signal(signal.SIGINT, handle)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
