"""One run of a study: the trials that the store lacks are carried out and kept."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType

from preimage.studies.outcome import Failure, Outcome
from preimage.studies.trial import Trial
from preimage.sweeps.batches import Batch, group, read_photos
from preimage.sweeps.engines import Engine
from preimage.sweeps.store import Store


@dataclass(slots=True)
class Stop:
    """The user's wish to stop: once `asked`, no new trial is begun."""

    asked: bool = False


def run(
    store: Store,
    trials: Sequence[Trial],
    engine: Engine,
    *,
    batch: int = 1,
    retry: bool = False,
    report: Callable[[Outcome | Failure], None],
    stop: Stop,
) -> None:
    """Carry out the trials that the store lacks, at most `batch` together, and keep each result.

    If `retry`, failed trials are tried again. `report` is called with each result once it is kept.
    Once `stop.asked`, the trials that were begun are finished, and the run ends.

    Raises:
        OSError: if the store cannot be written; its contents stay valid.
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

    with contextlib.closing(engine(batches())) as finished:
        for results in finished:
            for result in results:
                keep(result)


@contextlib.contextmanager
def graceful_stop(announce: Callable[[], None]) -> Iterator[Stop]:
    """Turn the first Ctrl-C into a wish to stop, and call `announce`; let the second interrupt.

    Outside the main thread, leave Ctrl-C as it is.
    """
    stop = Stop()

    def handle(_signal: int, _frame: FrameType | None) -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.asked = True
        # In a thread: a handler cannot print while the main thread is in the middle of a line.
        threading.Thread(target=announce).start()

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = signal.signal(signal.SIGINT, handle)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
