"""Table 4: the published figures, the trials, and their methods."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from tests.study_files import save_photos

from preimage.files import sha256
from preimage.paper import table4
from preimage.paper.table4 import (
    HOGGLE,
    METHODS,
    REPRESENTATIONS,
    figure4_rows,
    figure4_trials,
    method_of,
    published,
    rows,
    trials,
)
from preimage.photo_files import shipped_photos
from preimage.presets import CLASSICAL_QUALITIES, NNPREIMAGE

PHOTOS = list(shipped_photos().values())[:2]


def test_the_published_figures_are_those_of_the_paper() -> None:
    assert published() == {
        ("hog", "HOGgle"): (60.1, 11.6),
        ("hog", "paper"): (36.6, 17.3),
        ("hogb", "paper"): (11.5, 4.8),
        ("dsift", "paper"): (9.4, 8.6),
    }


def test_every_photo_is_inverted_from_every_representation_by_every_method() -> None:
    found = trials(PHOTOS, size=40)
    tried = Counter((trial.subject, trial.representation, method_of(trial)) for trial in found)
    names = [photo.name for photo in PHOTOS]
    assert set(tried.values()) == {1}
    assert set(tried) == {(n, r, m) for n in names for r in REPRESENTATIONS for m in METHODS}
    assert METHODS == {"algorithm-1": NNPREIMAGE, **CLASSICAL_QUALITIES}
    assert {(trial.size, trial.seed) for trial in found} == {(40, 0)}


def test_hoggle_inverts_hog_by_dictionaries_that_are_named_by_checksum(tmp_path: Path) -> None:
    file = tmp_path / "hoggle.npz"
    file.write_bytes(b"dictionaries")
    found = [t for t in trials(PHOTOS, size=40, dictionaries=file) if method_of(t) == HOGGLE]
    assert [(trial.representation, trial.settings) for trial in found] == [("hog", None)] * 2
    assert {trial.dictionaries_sha256 for trial in found} == {sha256(file)}
    keys = {trial.key for trial in found}
    moved = file.rename(tmp_path / "moved.npz")
    assert {t.key for t in trials(PHOTOS, size=40, dictionaries=moved)} >= keys
    moved.write_bytes(b"other dictionaries")
    assert not keys & {t.key for t in trials(PHOTOS, size=40, dictionaries=moved)}


def test_another_size_or_method_is_another_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [trial.key for size in (40, 48) for trial in trials(PHOTOS, size)]
    monkeypatch.setattr(table4, "METHODS", {"algorithm-1": NNPREIMAGE.replace(beta=1.5)})
    keys += [trial.key for trial in trials(PHOTOS, 40)]
    assert len(keys) == len(set(keys)) == 2 * 24 + 6


def test_a_copy_of_a_photo_is_not_tried_again(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 1)
    copy = photos / "copy.png"
    copy.write_bytes((photos / "00.png").read_bytes())
    assert len(trials([photos / "00.png", copy], 40)) == len(trials([photos / "00.png"], 40))


def test_the_picture_has_a_row_for_each_of_two_photos_and_each_representation() -> None:
    found = trials(list(shipped_photos().values())[:3], size=40)
    shown = rows(found)
    assert [row[0].label for row in shown] == [p.stem for p in PHOTOS for _ in REPRESENTATIONS]
    assert all(row[0].is_photo for row in shown)
    assert [panel.label for panel in shown[0][1:]] == [f"hog, {method}" for method in METHODS]


def test_figure_4_has_the_papers_columns_and_hoggle_once(tmp_path: Path) -> None:
    file = tmp_path / "hoggle.npz"
    file.write_bytes(b"dictionaries")
    found = figure4_trials(PHOTOS[:1], 40, file)
    assert {trial.key for trial in found} < {trial.key for trial in trials(PHOTOS, 40, file)}
    papers, ours = figure4_rows(found)
    names = [f"{name}, algorithm-1" for name in REPRESENTATIONS]
    assert [panel.label for panel in papers] == [PHOTOS[0].stem, "hog, HOGgle", *names]
    assert [panel.label for panel in ours[1:]] == [f"{name}, fast" for name in REPRESENTATIONS]
    assert [row[0].is_photo for row in (papers, ours)] == [True, True]
