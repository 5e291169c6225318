"""Estimates: from what is done, or from a few steps of what is not, shared by the workers."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from tests.study_files import MEASURES, make_trials, run_trials, save_photos

from preimage.presets import CLASSICAL_QUALITIES, NNPREIMAGE
from preimage.studies.outcome import Record
from preimage.sweeps.engines import in_process
from preimage.sweeps.estimate import Cost, cost_names, measure_costs, total_seconds


def test_what_is_done_counts_with_its_median_and_what_no_result_counts(tmp_path: Path) -> None:
    trials = make_trials(save_photos(tmp_path / "photos", 4))
    untimed = dataclasses.replace(MEASURES, processor_seconds=None)
    done = [
        Record(trial, "done", dataclasses.replace(untimed, seconds=seconds))
        for trial, seconds in zip(trials, (1000.0, 2000.0, 9000.0), strict=False)
    ]
    costs, slower = measure_costs([*done, Record(trials[3], "missing")], tmp_path)
    assert costs["hog"].each == pytest.approx(2000, abs=100)
    assert costs["hog"].keep > 0
    assert slower >= 1
    costs, slower = measure_costs(done, tmp_path)
    assert costs == {"hog": Cost(once=0, each=2000, keep=0, size=0)}
    assert slower == 1


def test_of_what_is_done_on_one_thread_the_processor_time_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (trial,) = make_trials(save_photos(tmp_path / "photos", 1))
    loaded = dataclasses.replace(MEASURES, seconds=30.0, processor_seconds=2.0)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert measure_costs([Record(trial, "done", loaded)], tmp_path)[0]["hog"].each == 2
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert measure_costs([Record(trial, "done", loaded)], tmp_path)[0]["hog"].each == 30


def test_otherwise_a_trial_is_timed_and_its_time_grows_with_its_steps(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 1)
    seconds = []
    for steps in (10, 100_000):
        trials = make_trials(photos, representations=["hog", "dsift"], steps=steps)
        found, _ = measure_costs([Record(trial, "missing") for trial in trials], tmp_path)
        assert list(found) == ["hog", "dsift"]
        seconds.append(found["hog"].each)
    assert 0 < 100 * seconds[0] < seconds[1]
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_a_trial_that_cannot_be_carried_out_is_not_timed(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 1)
    good = make_trials(photos)[0]
    bad = good.model_copy(update={"photo": str(tmp_path / "gone.png")})
    hoggle = good.model_copy(update={"settings": None})
    told: list[tuple[str, int, int]] = []
    records = [Record(t, "missing") for t in (bad, hoggle)]
    found = measure_costs(records, tmp_path, progress=lambda *state: told.append(state))
    assert (found, told) == (({}, 1), [("hog, sobolev-lbfgs 3", 0, 2), ("hog, HOGgle", 1, 2)])
    costs, _ = measure_costs([Record(t, "missing") for t in (bad, good)], tmp_path)
    assert list(costs) == ["hog"]


def test_the_size_of_results_is_about_that_of_a_store(tmp_path: Path) -> None:
    trials = make_trials(save_photos(tmp_path / "photos", 5), seeds=[0, 1, 2, 3], steps=20)
    costs, _ = measure_costs([Record(trial, "missing") for trial in trials], tmp_path, batch=4)

    def in_one_process(batches):  # type: ignore[no-untyped-def]
        return in_process(batches, threads=1, device="cpu")

    run_trials(tmp_path / "store", trials, in_one_process)
    size = sum(path.stat().st_size for path in (tmp_path / "store").rglob("*") if path.is_file())
    assert size / 1.5 < 20 * costs["hog"].size < 1.5 * size


@pytest.mark.parametrize(("workers", "expected"), [
    (1, 4 + 7 * (2 + 0.5) + 1 + 1 * (10 + 0.5)),  # a process that also keeps the results
    (2, 3 + 4 + 3 * 2 + 1 + 10),  # the third round of one part, then another part's only trial
    (7, 3 + 4 + 2 + 1 + 10), (8, 3 + 1 + 10),
])  # fmt: skip
def test_trials_are_shared_by_workers_each_of_which_loads_its_network(
    workers: int, expected: float
) -> None:
    first, second = Cost(once=4, each=2, keep=0.5, size=0), Cost(once=1, each=10, keep=0.5, size=0)
    assert total_seconds([(first, 7), (second, 1)], workers, start=3) == expected


def test_the_process_that_keeps_results_can_be_what_limits_a_run() -> None:
    assert total_seconds([(Cost(once=0, each=1, keep=0.5, size=0), 100)], 50, start=3) == 50
    assert total_seconds([(Cost(once=9, each=1, keep=0.5, size=0), 0)], 50, start=3) == 0


def test_trials_of_several_visualizations_have_costs_of_their_own(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 1)
    inverted = make_trials(photos)[0]
    exaggerated = inverted.model_copy(update={"visualization": "caricature"})
    records = [Record(trial, "missing") for trial in (inverted, exaggerated)]
    assert cost_names(records) == ["invert hog", "caricature hog"]
    assert cost_names(records[:1]) == ["hog"]


def test_trials_of_other_solvers_or_steps_have_costs_of_their_own(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 2)
    settings = (NNPREIMAGE, CLASSICAL_QUALITIES["draft"], CLASSICAL_QUALITIES["fast"], None)
    trials = [
        trial.model_copy(update={"settings": one})
        for one in settings
        for trial in make_trials(photos)
    ]
    records = [Record(trial, "missing") for trial in trials]
    names = ["algorithm-1 300", "sobolev-lbfgs 20", "sobolev-lbfgs 60", "HOGgle"]
    assert cost_names(records) == [f"hog, {name}" for name in names for _ in range(2)]
    costs, _ = measure_costs(records, tmp_path)
    assert list(costs) == [f"hog, {name}" for name in names[:3]]
    assert cost_names(records[:2]) == ["hog", "hog"]
