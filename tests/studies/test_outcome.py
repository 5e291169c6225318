"""Outcomes, failures and records: plain data that goes from process to process."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
from tests.study_files import make_outcome, make_trials, save_photos

from preimage.studies.outcome import Failure, Record


def test_an_outcome_and_a_failure_are_the_same_in_another_process(tmp_path: Path) -> None:
    (trial,) = make_trials(save_photos(tmp_path / "photos", 1))
    outcome = make_outcome(trial)
    again = pickle.loads(pickle.dumps(outcome))
    assert (again.key, again.measures, again.versions) == (
        trial.key, outcome.measures, outcome.versions,
    )  # fmt: skip
    assert np.array_equal(again.image, outcome.image)
    failure = Failure(trial.key, "why")
    assert pickle.loads(pickle.dumps(failure)) == failure


def test_a_missing_trial_has_neither_numbers_nor_files(tmp_path: Path) -> None:
    (trial,) = make_trials(save_photos(tmp_path / "photos", 1))
    record = Record(trial, "missing")
    assert (record.measures, record.reason, record.picture, record.image) == (None,) * 4
