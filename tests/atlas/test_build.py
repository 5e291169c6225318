"""An atlas grows: only what is new is computed and written."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.atlas.sites import inversion, keep, maximization

from preimage.atlas.build import Written, write_atlas
from preimage.atlas.options import Options
from preimage.studies.loader import Loader


def test_new_trials_appear_and_old_pictures_stay(tmp_path: Path) -> None:
    def built(weights: tuple[float, ...]) -> Written:
        with keep(tmp_path / "store", [inversion(weight=w) for w in weights]) as store:
            records = store.records("a")
        return write_atlas(tmp_path / "site", records, Loader(), Options(tmp_path / "kept", ()))

    assert built((1, 20)) == Written(pages=4, pictures=2)
    assert built((1, 20)) == Written(pages=4, pictures=0)
    assert built((1, 20, 100)) == Written(pages=4, pictures=1)
    page = (tmp_path / "site/classical/hog/index.html").read_text()
    assert "C 100" in page


def test_a_judge_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with keep(tmp_path / "store", [inversion()]) as store:
        records = store.records("a")
    with keep(tmp_path / "store", [maximization()]) as store:
        records += store.records("a")
    with pytest.raises(ValueError, match="unknown network 'nobody'"):
        write_atlas(
            tmp_path / "site", records, Loader(), Options(tmp_path / "kept", (), ("nobody",))
        )
