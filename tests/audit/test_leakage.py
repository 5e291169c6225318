"""The audit of layers: their results beside all photos, layer by layer."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.audit.planted import textures
from tests.study_files import make_outcome, make_trials

from preimage.audit.leakage import audit_layers, describe_trials
from preimage.studies.loader import Loader
from preimage.studies.outcome import Record
from preimage.sweeps.store import Store


def _records(folder: Path, shown: list[int]) -> list[Record]:
    """Results of HOG that are the photos of these numbers."""
    photos = folder / "photos"
    photos.mkdir()
    pictures = textures(len(shown))
    for n, picture in enumerate(pictures):
        picture.save(photos / f"{n:02}.png")
    trials = make_trials(photos)
    with Store(folder / "store", create=True) as store:
        store.plan("a", trials)
        for trial, number in zip(trials, shown, strict=True):
            seen = np.asarray(pictures[number].convert("L"))
            store.put(dataclasses.replace(make_outcome(trial), picture=seen))
        return store.records("a")


def test_results_are_compared_with_their_own_photos(tmp_path: Path) -> None:
    records = _records(tmp_path, [0, 1, 3, 2, 4, 5, 6, 7])
    (layer,) = audit_layers(records, Loader(), folder=tmp_path)
    (attack,) = layer.attacks
    assert (layer.representation, attack.errors) == ("hog", (0.25,) * 8)
    assert [photo.name for photo in layer.photos] == [f"{n:02}.png" for n in range(8)]
    found = {one.measure: one.value for one in attack.estimates}
    assert (found["reidentified_pixels"], found["reidentified_hog"]) == (0.75, 0.75)
    for file in (attack.files[0], layer.photos[0].file):
        with Image.open(tmp_path / file) as opened:
            assert opened.size == (64, 64)


def test_one_photo_cannot_be_told_from_others(tmp_path: Path) -> None:
    records = _records(tmp_path, [0, 1])
    with pytest.raises(ValueError, match="hog: an audit needs results of at least two photos"):
        audit_layers(records[:1], Loader())


def test_trials_have_their_seed_and_settings_in_common(tmp_path: Path) -> None:
    described = describe_trials(_records(tmp_path, [0, 1]))
    assert (described["seed"], described["weights_sha256"]) == (0, None)
    assert described["settings"]["hog"]["alpha"] > 1
