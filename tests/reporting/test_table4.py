"""Table 4 as text, and its picture."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest
from tests.study_files import MEASURES, make_outcome
from tests.support import pixels_of

from preimage.paper import table4
from preimage.paper.table4 import trials
from preimage.photo_files import shipped_photos
from preimage.presets import NNPREIMAGE
from preimage.reporting.table4 import HEADER, format_table4, write_table4
from preimage.studies.loader import Loader
from preimage.studies.outcome import Failure, Record
from preimage.sweeps.store import Store

PHOTOS = list(shipped_photos().values())


@pytest.fixture(autouse=True)
def _one_method(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table4, "METHODS", {"algorithm-1": NNPREIMAGE})


def _records(folder: Path, photos: list[Path], failing: int = 0) -> list[Record]:
    """The records of a store in which the trials of some photos have failed."""
    found = trials(photos, 40)
    with Store(folder, create=True) as store:
        store.plan("a", found)
        for trial in found:
            if trial.photo in [str(photo) for photo in photos[:failing]]:
                store.put(Failure(trial.key, "why"))
            else:
                picture = np.full((30, 40), 99, np.uint8)
                store.put(dataclasses.replace(make_outcome(trial), picture=picture))
        return store.records("a")


def test_ours_stand_below_the_published_figures_of_each_representation() -> None:
    errors = [0.1, 0.2, 0.6]
    records = [
        Record(trial, "done", dataclasses.replace(MEASURES, error=error))
        for error, photo in zip(errors, PHOTOS, strict=False)
        for trial in trials([photo], 40)
    ]
    found = format_table4(records)
    assert all(len(row) == len(HEADER) for row in found)
    ours = ["algorithm-1", "30.0 ± 26.5", "0.05", "20.0", "0.50", "3"]
    assert found == [
        ["hog", "HOGgle (published)", "60.1 ± 11.6", "", "", "", ""],
        ["hog", "paper (published)", "36.6 ± 17.3", "", "", "", ""],
        ["hog", *ours],
        ["hogb", "paper (published)", "11.5 ± 4.8", "", "", "", ""],
        ["hogb", *ours],
        ["dsift", "paper (published)", "9.4 ± 8.6", "", "", "", ""],
        ["dsift", *ours],
    ]


def test_the_files_hold_the_table(tmp_path: Path) -> None:
    records = _records(tmp_path, PHOTOS[:1])
    paths = write_table4(tmp_path, records, Loader())
    assert [path.name for path in paths] == [
        f"table4.{suffix}" for suffix in ("csv", "md", "tex", "pdf", "png")
    ]
    with paths[0].open(newline="") as file:
        assert list(csv.reader(file)) == [HEADER, *format_table4(records)]
    line = "| hog | algorithm-1 | 25.0 | 0.05 | 20.0 | 0.50 | 1 |"
    assert line in paths[1].read_text().splitlines()


def test_the_picture_shows_at_most_two_photos(tmp_path: Path) -> None:
    heights = []
    for count in (1, 2, 3):
        folder = tmp_path / str(count)
        write_table4(folder, _records(folder, PHOTOS[:count]), Loader())
        heights.append(len(pixels_of(folder / "table4.png")))
    assert heights[0] < heights[1] == heights[2]


def test_photos_that_failed_are_left_out_of_the_picture(tmp_path: Path) -> None:
    write_table4(tmp_path, _records(tmp_path, PHOTOS[:3], failing=2), Loader())
    alone = sorted(path.name for path in tmp_path.glob("table4.*.1.png"))
    assert alone == [f"table4.{line}.1.png" for line in (1, 2, 3)]
