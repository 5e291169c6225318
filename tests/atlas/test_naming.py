"""Names of pictures by a judge, which are kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from tests.cli.runner import save_photo
from tests.judges import JUDGE

from preimage.atlas.naming import name_pictures
from preimage.studies.judge import Judge
from preimage.studies.loader import Loader


def test_names_are_those_of_the_judge_and_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = {str(n): save_photo(tmp_path / f"{n}.png", n) for n in range(2)}
    seen: list[tuple[int, int]] = []
    found = name_pictures(
        pictures, (JUDGE,), Loader(), tmp_path / "kept", lambda *done: seen.append(done)
    )
    with Image.open(pictures["1"]) as picture:
        assert found["1"] == Judge([JUDGE]).names(picture)
    assert seen == [(0, 2), (1, 2)]
    monkeypatch.setattr(Judge, "names", lambda *_: pytest.fail("judged again"))
    assert name_pictures(pictures, (JUDGE,), Loader(), tmp_path / "kept") == found


def test_a_damaged_file_is_made_again(tmp_path: Path) -> None:
    pictures = {"a": save_photo(tmp_path / "a.png")}
    first = name_pictures(pictures, (JUDGE,), Loader(), tmp_path / "kept")
    (file,) = (tmp_path / "kept").iterdir()
    for damaged in ("[1]", '{"a": 3}', "no"):
        file.write_text(damaged)
        assert name_pictures(pictures, (JUDGE,), Loader(), tmp_path / "kept") == first


def test_no_judge_names_nothing_and_writes_nothing(tmp_path: Path) -> None:
    assert name_pictures({"a": tmp_path / "a.png"}, (), Loader(), tmp_path) == {}
    assert not list(tmp_path.iterdir())
