"""The queue of batches: what dead workers leave behind is tried again, but not forever."""

from __future__ import annotations

import functools
from pathlib import Path

from tests.study_files import make_trials, run_trials, save_photos

from preimage.sweeps.batches import Batch
from preimage.sweeps.engines import process_pool
from preimage.sweeps.retries import DEATHS, Queue
from preimage.sweeps.store import Store

POOL = functools.partial(process_pool, workers=2, threads=1, device="cpu")


def test_a_trial_that_kills_its_workers_fails_and_the_others_are_done(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 2)
    deadly = "import:tests.sweeps.deadly.network/0"
    trials = make_trials(photos, representations=["hog"])
    trials.append(trials[0].model_copy(update={"representation": deadly}))
    assert run_trials(tmp_path / "store", trials, POOL, batch=1) == ["done", "done", "failed"]
    with Store(tmp_path / "store") as store:
        reason = store.records("a")[2].reason
    assert reason == f"its worker process died {DEATHS} times (exit status 3)"


def test_batches_of_dead_workers_come_before_new_ones_and_one_by_one(tmp_path: Path) -> None:
    trials = make_trials(save_photos(tmp_path / "photos", 3))
    first, second = Batch(tuple(trials[:2]), {}), Batch((trials[2],), {})
    queue = Queue(iter([first, second]))
    assert queue.next() == first
    assert queue.died(first, "why") == []
    assert [queue.next(), queue.next(), queue.next()] == [*first.split()[::-1], second]
    assert queue.next() is None


def test_a_trial_fails_after_its_last_death_but_never_by_a_lost_node(tmp_path: Path) -> None:
    (single,) = [Batch(tuple(make_trials(save_photos(tmp_path / "photos", 1))), {})]
    queue = Queue(iter([]))
    for _ in range(9):
        queue.put_back(single)
        assert queue.next() == single
    for _ in range(DEATHS - 1):
        assert queue.died(single, "why") == []
        assert queue.next() == single
    (failure,) = queue.died(single, "why")
    assert failure.reason == f"its worker process died {DEATHS} times (why)"
    assert queue.next() is None
