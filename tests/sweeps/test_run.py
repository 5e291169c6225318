"""A run: what a store lacks is done once, faults stay where they are, Ctrl-C loses nothing."""

from __future__ import annotations

import functools
import signal
import threading
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from tests.cli.runner import save_photo
from tests.study_files import make_trials, run_trials, save_photos

from preimage.studies.outcome import Failure, Outcome
from preimage.sweeps.batches import Batch
from preimage.sweeps.engines import Results, in_process, process_pool
from preimage.sweeps.run import Stop, graceful_stop, run
from preimage.sweeps.store import Store

HERE = functools.partial(in_process, threads=1, device="cpu")
POOL = functools.partial(process_pool, workers=2, threads=1, device="cpu")


def test_a_trial_that_cannot_be_carried_out_fails_alone(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 2)
    (photos / "00a.png").write_text("no image")
    save_photo(photos / "00b.png", 9, (3, 3))
    trials = make_trials(photos)
    for batch in (1, 4):
        folder = tmp_path / f"store{batch}"
        assert run_trials(folder, trials, HERE, batch) == ["done", "failed", "failed", "done"]
        with Store(folder) as store:
            reasons = [record.reason or "" for record in store.records("a")]
        assert reasons[1] == "not an image that Pillow can open"
        assert reasons[2].startswith("hog")
        assert "at least" in reasons[2]


def test_a_second_run_does_nothing_and_failed_trials_are_tried_on_demand(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 2)
    trials = make_trials(photos)
    hidden = tmp_path / "hidden.png"
    (photos / "00.png").rename(hidden)
    reported: list[Outcome | Failure] = []
    with Store(tmp_path / "store", create=True) as store:
        store.plan("a", trials)
        for retry, expected in ((False, 2), (False, 0), (True, 1)):
            reported.clear()
            run(store, trials, HERE, retry=retry, report=reported.append, stop=Stop())
            assert len(reported) == expected
            if not retry and hidden.exists():
                hidden.rename(photos / "00.png")
        assert [record.status for record in store.records("a")] == ["done", "done"]


def test_one_ctrl_c_finishes_what_was_begun_and_two_stop_at_once() -> None:
    announced = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in background jobs
    try:
        with graceful_stop(lambda: announced.append(1)) as stop:
            signal.raise_signal(signal.SIGINT)
            assert (stop.asked, announced) == (True, [1])
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_after_a_stop_nothing_new_is_begun(tmp_path: Path) -> None:
    trials = make_trials(save_photos(tmp_path / "photos", 6))
    for name, engine, most in (("here", HERE, 1), ("pool", POOL, 2)):
        stop = Stop()

        def ask(_: Outcome | Failure, stop: Stop = stop) -> None:
            stop.asked = True

        with Store(tmp_path / name, create=True) as store:
            store.plan("a", trials)
            run(store, trials, engine, report=ask, stop=stop)
            done = [record for record in store.records("a") if record.status == "done"]
            assert 1 <= len(done) <= most


def test_two_runs_at_once_on_one_store_share_the_trials(tmp_path: Path) -> None:
    trials = make_trials(save_photos(tmp_path / "photos", 12))
    counts: list[int] = []
    both_have_begun = threading.Barrier(2)

    def engine(batches: Iterator[Batch]) -> Generator[Results, None, None]:
        for index, results in enumerate(HERE(batches)):
            if index == 0:
                both_have_begun.wait(timeout=300)
            yield results

    def work() -> None:
        done: list[Outcome | Failure] = []
        with Store(tmp_path / "store", create=True) as store:
            run(store, trials, engine, report=done.append, stop=Stop())
        counts.append(len(done))

    with Store(tmp_path / "store", create=True) as store:
        store.plan("a", trials)
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 12
    assert min(counts) > 0
    with Store(tmp_path / "store") as store:
        assert [record.status for record in store.records("a")] == ["done"] * 12
