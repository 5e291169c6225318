"""Pictures of a study: one file for each representation, photos before their results."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.study_files import make_outcome, make_trials, save_photos
from tests.support import pixels_of

from preimage.reporting import study_pictures
from preimage.reporting.study_pictures import write_pictures
from preimage.studies.outcome import Record
from preimage.sweeps.store import Store


def _records(folder: Path, **changes: object) -> list[Record]:
    trials = make_trials(save_photos(folder / "photos", 2), **changes)
    with Store(folder / "store", create=True) as store:
        store.plan("a", trials)
        for trial in trials[:-1]:
            store.put(make_outcome(trial, 200))
        return store.records("a")


def test_each_photo_stands_before_its_first_result(tmp_path: Path) -> None:
    records = _records(tmp_path, loss_weight=[1, 20])
    (path,) = write_pictures(tmp_path / "report", records)
    assert path.name == "report.hog.png"
    pixels = pixels_of(path)[..., 0]
    half, third = len(pixels) // 2, len(pixels[0]) // 3
    panels = [
        pixels[top : top + half, left : left + third]
        for top in (0, half)
        for left in (0, third, 2 * third)
    ]
    results = [bool((panel == 200).mean() > 0.3) for panel in panels]
    assert results == [False, True, True, False, True, False]
    assert (panels[5] == 255).all()


def test_representations_have_files_of_their_own_without_slashes(tmp_path: Path) -> None:
    names = ["efficientnet-lite0/stem", "efficientnet-lite0/blocks.1"]
    records = _records(tmp_path, representations=names, weights="random")
    (tmp_path / "photos" / "00.png").unlink()
    paths = write_pictures(tmp_path / "report", records)
    assert [path.name for path in paths] == [
        "report.efficientnet-lite0-stem.png", "report.efficientnet-lite0-blocks.1.png",
    ]  # fmt: skip
    assert pixels_of(paths[0]).std() > 10


def test_many_pictures_go_into_several_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study_pictures, "_MOST", 3)
    paths = write_pictures(tmp_path / "report", _records(tmp_path, loss_weight=[1, 20]))
    assert [path.name for path in paths] == ["report.hog.png", "report.hog.2.png"]
    first, second = (pixels_of(path)[..., 0] for path in paths)
    assert first.shape[0] > second.shape[0]  # 2 x 2 and 2 x 1 pictures
