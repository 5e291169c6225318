"""The audit: a layer leaks where reconstructions are nearest to their own photos."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from tests.cli.runner import save_photo
from tests.study_files import make_outcome, make_trials

from preimage.audit.leakage import LayerAudit, audit_layers
from preimage.preprocessing import GRAY
from preimage.studies.loader import Loader
from preimage.studies.outcome import Record
from preimage.studies.summary import summarize
from preimage.studies.trial import Trial
from preimage.sweeps.store import Store


def _trials(folder: Path) -> list[Trial]:
    folder.mkdir()
    for seed in range(4):
        save_photo(folder / f"{seed}.png", seed, (40, 48))
    return make_trials(folder)


def _records(folder: Path, shown: list[int]) -> list[Record]:
    """Results that are the photos of these numbers, with half the contrast, and some noise."""
    trials = _trials(folder / "photos")
    photos = [GRAY.load(trial.photo or "").numpy() for trial in trials]
    with Store(folder / "store", create=True) as store:
        store.plan("a", trials)
        for trial, number in zip(trials, shown, strict=True):
            noise = np.random.default_rng(number).normal(size=photos[0].shape) * 5
            image = (photos[number] * 0.5 + noise).astype(np.float32)
            store.put(dataclasses.replace(make_outcome(trial), image=image))
        return store.records("a")


def test_reconstructions_of_the_right_photos_are_recognized(tmp_path: Path) -> None:
    (audit,) = audit_layers(_records(tmp_path, [0, 1, 2, 3]), Loader())
    assert (audit.by_pixels, audit.by_hog, audit.leaks) == (1, 1, True)


def test_reconstructions_of_other_photos_count_against_the_layer(tmp_path: Path) -> None:
    (audit,) = audit_layers(_records(tmp_path, [0, 1, 3, 2]), Loader())
    assert (audit.by_pixels, audit.by_hog, audit.leaks) == (0.5, 0.5, False)


def test_one_photo_cannot_be_told_from_others(tmp_path: Path) -> None:
    records = _records(tmp_path, [0, 1, 2, 3])
    with pytest.raises(ValueError, match="at least two photos"):
        audit_layers(records[:1], Loader())


@pytest.mark.parametrize(("recognized", "leaks"), [(0.89, False), (0.9, True)])
def test_nine_of_ten_photos_make_a_leak(recognized: float, leaks: bool, tmp_path: Path) -> None:
    (mean,) = summarize(_records(tmp_path, [0, 1, 2, 3]))
    assert LayerAudit(mean, by_pixels=0, by_hog=recognized).leaks is leaks
    assert LayerAudit(mean, by_pixels=recognized, by_hog=0).leaks is leaks
