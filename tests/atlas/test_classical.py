"""The view of Table 4: published errors beside those of the store."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.atlas.sites import inversion, keep
from tests.study_files import MEASURES

from preimage.atlas.classical import method_of, photo_panels, table_rows
from preimage.atlas.data import Model
from preimage.atlas.gather import gather
from preimage.atlas.media import Media
from preimage.atlas.options import Options
from preimage.paper.table4 import HOGGLE, METHODS, published
from preimage.studies.loader import Loader


def _classical(folder: Path) -> Model:
    trials = [
        inversion("hog").model_copy(update={"settings": METHODS["algorithm-1"]}),
        inversion("hog", photo_sha256="1", photo="dog.png").model_copy(
            update={"settings": METHODS["algorithm-1"]}
        ),
        inversion("dsift", weight=7),
    ]
    with keep(folder / "store", trials) as store:
        records = store.records("a")
    found = gather(records, Loader(), Media(folder), Options(folder, ())).classical
    assert found is not None
    return found


def test_published_errors_stand_before_those_of_the_store(tmp_path: Path) -> None:
    rows = table_rows(_classical(tmp_path))
    hog = [row for row in rows if row.representation == "hog"]
    expected = [method for name, method in published() if name == "hog"]
    assert [row.method for row in hog if row.is_published] == expected
    ours = hog[-1]
    assert (ours.method, ours.is_published, ours.photos) == ("algorithm-1", False, 2)
    assert ours.error == pytest.approx(100 * (MEASURES.error or 0))
    assert ours.deviation == 0
    assert rows[-1].method == "algorithm-1, C 7"
    assert rows[-1].deviation is None


def test_each_photo_has_its_inversions_by_representation(tmp_path: Path) -> None:
    first, second = photo_panels(_classical(tmp_path))
    assert (first.name, list(first.pictures)) == ("cat", ["hog", "dsift"])
    assert (second.name, list(second.pictures)) == ("dog", ["hog"])


def test_hoggle_has_no_constants() -> None:
    assert method_of(inversion().model_copy(update={"settings": None})) == HOGGLE
