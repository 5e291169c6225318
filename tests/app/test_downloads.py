from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from tests.app.test_task import photo

from preimage.app.downloads import Downloads
from preimage.app.task import Task
from preimage.files import sha256
from preimage.visualizations import PreImage

TASK = Task(visualization="invert", representation="hog", photo=photo(), steps=2, seeds=(0, 1))


@pytest.fixture
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Downloads:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return Downloads()


def test_each_picture_has_its_sidecar_and_the_rest_is_all_that_recipes_name(
    downloads: Downloads, tmp_path: Path
) -> None:
    first = TASK.carry_out(TASK.model(), lambda progress: None)
    task = dataclasses.replace(TASK, start=first)
    files = downloads.write("a/b", task, first)
    assert [path.name for path in files] == [
        "noise.hog.0.png", "noise.hog.0.json", "noise.hog.1.png", "noise.hog.1.json",
        "noise.hog.npz", "start.npz", "noise.png",
    ]  # fmt: skip
    assert all(tmp_path in path.parents for path in files)
    facts = json.loads(files[1].read_text())
    assert facts["sha256"] == sha256(photo().data)
    assert facts["input"] == "noise.png"
    assert files[6].read_bytes() == photo().data
    assert PreImage.load(files[4]).seeds == (0, 1)


def test_a_visitor_has_the_files_of_one_result(downloads: Downloads, tmp_path: Path) -> None:
    result = TASK.carry_out(TASK.model(), lambda progress: None)
    downloads.write("a", TASK, result)
    one = dataclasses.replace(TASK, seeds=(0,))
    files = downloads.write("a", one, result[0])
    assert files[0].name == "noise.hog.png"
    assert sorted(files[0].parent.iterdir()) == sorted(files)
    downloads.forget("a")
    assert not files[0].parent.exists()
    downloads.close()
    assert list(tmp_path.iterdir()) == []
