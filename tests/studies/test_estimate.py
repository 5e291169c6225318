"""Estimates: from what is done, or from a few steps of what is not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from tests.study_files import MEASURES, make_trials, save_photos

from preimage.studies import estimate
from preimage.studies.estimate import seconds_each
from preimage.studies.loader import Loader
from preimage.studies.outcome import Record


def test_what_is_done_counts_with_its_median(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimate, "visualize", None)
    trials = make_trials(save_photos(tmp_path / "photos", 4))
    records = [
        Record(trial, "done", dataclasses.replace(MEASURES, seconds=seconds))
        for trial, seconds in zip(trials, (1.0, 2.0, 9.0), strict=False)
    ]
    assert seconds_each([*records, Record(trials[3], "missing")], Loader()) == {"hog": 2.0}


def test_otherwise_a_trial_is_timed_and_its_time_grows_with_its_steps(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 1)
    seconds = []
    for steps in (10, 100_000):
        trials = make_trials(photos, representations=["hog", "dsift"], steps=steps)
        found = seconds_each([Record(trial, "missing") for trial in trials], Loader())
        assert list(found) == ["hog", "dsift"]
        seconds.append(found["hog"])
    assert 0 < 100 * seconds[0] < seconds[1]


def test_a_trial_that_cannot_be_carried_out_is_not_timed(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 1)
    good = make_trials(photos)[0]
    bad = good.model_copy(update={"photo": str(tmp_path / "gone.png")})
    hoggle = good.model_copy(update={"settings": None})
    assert seconds_each([Record(t, "missing") for t in (bad, hoggle)], Loader()) == {}
    assert list(seconds_each([Record(t, "missing") for t in (bad, good)], Loader())) == ["hog"]
