"""Batches: which trials go together, photos that cannot be read, and trials of dead workers."""

from __future__ import annotations

import functools
from pathlib import Path

from tests.cli.runner import save_photo
from tests.study_files import make_trials, run_trials, save_photos

from preimage.sweeps.batches import DEATHS, Batch, Queue, group, read_photos
from preimage.sweeps.engines import process_pool
from preimage.sweeps.store import Store

POOL = functools.partial(process_pool, workers=2, threads=1, device="cpu")


def test_a_photo_that_is_gone_or_changed_fails_alone(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 3)
    trials = make_trials(photos)
    (photos / "00.png").unlink()
    save_photo(photos / "01.png", 7)
    batch, failures = read_photos(trials)
    assert batch is not None
    assert batch.trials == (trials[2],)
    assert [failure.key for failure in failures] == [trials[0].key, trials[1].key]
    assert "No such file" in failures[0].reason
    assert "changed since the study began" in failures[1].reason


def test_trials_are_grouped_where_they_differ_in_the_photo_alone(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 3)
    groups = list(group(make_trials(photos, seeds=[0, 1]), 2))
    assert [(len(alike), {t.seed for t in alike}) for alike in groups] == [
        (2, {0}), (1, {0}), (2, {1}), (1, {1}),
    ]  # fmt: skip


def test_components_of_a_layer_are_grouped_where_their_images_are_of_one_size(
    tmp_path: Path,
) -> None:
    trials = make_trials(
        save_photos(tmp_path / "photos", 1), visualization="maximize", size=32,
        representations=["hog"], channels="0-2", neurons=[(5, 0, 1), (6, 2, 2)],
    )  # fmt: skip
    components = [[str(trial.component) for trial in alike] for alike in group(trials, 9)]
    assert components == [["0", "1", "2"], ["5:0,1", "6:2,2"]]


def test_images_that_are_to_differ_stay_together(tmp_path: Path) -> None:
    trials = make_trials(
        save_photos(tmp_path / "photos", 1), visualization="maximize", size=32,
        representations=["hog"], channels="0-1", seeds=[0, 1, 2], diversity=2,
    )  # fmt: skip
    found = [[(trial.channel, trial.seed) for trial in alike] for alike in group(trials, 1)]
    assert found == [[(channel, seed) for seed in range(3)] for channel in range(2)]


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
