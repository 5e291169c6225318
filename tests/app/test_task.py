from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import preimage
from preimage.app.options import Limits
from preimage.app.task import Photo, Task


def photo(size: tuple[int, int] = (40, 48)) -> Photo:
    """A small photo of noise."""
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return Photo("noise.png", file.getvalue())


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (Task(visualization="invert", representation="hog"), "choose a photo"),
        (Task(visualization="maximize", representation="net/1"), "say what to excite"),
        (Task(visualization="invert", representation="hog", photo=photo(), method="modern"),
         "no method"),
        (Task(visualization="invert", representation="hog", photo=photo(), seeds=tuple(range(99))),
         "at most 16"),
        (Task(visualization="invert", representation="hog", photo=photo(), steps=0), "steps"),
        (Task(visualization="invert", representation="hog", photo=photo(), size=9999), "size"),
    ],
)  # fmt: skip
def test_wrong_tasks_are_refused(task: Task, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        task.check(Limits())


def test_the_number_of_results_is_known_before() -> None:
    task = Task(
        visualization="invert", representation="hog", seeds=(0, 1), loss_weights=(1, 20, 300)
    )
    assert task.count == 6
    assert Task(visualization="maximize", representation="a/b", channels=(1, 2)).count == 2


def test_a_task_finds_what_the_library_finds() -> None:
    task = Task(
        visualization="invert", representation="hog", photo=photo(), steps=3, size=32, seeds=(0, 1)
    )
    phi = task.model()
    assert isinstance(phi, preimage.HOG)
    found = task.carry_out(phi, lambda progress: None)
    expected = preimage.invert(
        phi, photo().open(), size=32, seeds=(0, 1),
        settings=preimage.settings_for(phi).with_steps(3),
    )  # fmt: skip
    assert torch.equal(found.images, expected.images)


def test_labels_tell_results_apart() -> None:
    one = Task(visualization="invert", representation="hog", photo=photo())
    assert one.labels == [""]
    several = dataclasses.replace(one, seeds=(3, 4), loss_weights=(1.0, "auto"))
    assert several.labels == ["C 1, seed 3", "C 1, seed 4", "C auto, seed 3", "C auto, seed 4"]
    classes = Task(visualization="maximize", representation="a/b", classes=("goose", "drake"))
    assert classes.labels == ["goose", "drake"]


def test_a_dead_channel_is_left_out_without_a_warning_beside_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path))
    name = "import:tests.statistics.networks.factory/0"  # its channel 5 is dead
    task = Task(
        visualization="maximize", representation=name, steps=2, channels=(4, 5), method="modern"
    )
    found = task.carry_out(task.model(), lambda progress: None)
    assert (found.targets, found.dead) == (("4",), ("5",))
