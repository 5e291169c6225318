from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from PIL import Image
from tests.app.test_task import photo

from preimage.app.frames import Frame, Frames
from preimage.app.task import Task
from preimage.workers import Reporter


class Kept(Reporter):
    """A reporter that keeps what is due."""

    def __init__(self) -> None:
        super().__init__(lambda value: None)
        self.values: list[Any] = []

    def __call__(self, make: Callable[[], Any], *, always: bool = False) -> None:
        if always:
            self.values.append(make())


def test_a_run_has_frames_of_the_results_size_with_all_energies() -> None:
    task = Task(visualization="invert", representation="hog", photo=photo(), steps=30, seeds=(0, 1))
    model, kept = task.model(), Kept()
    result = task.carry_out(model, Frames(task, model, kept))
    frames: list[Frame] = kept.values
    assert len(frames) >= 20
    assert frames[-1].step == frames[-1].steps == len(frames[-1].energies) == 30
    assert frames[-1].energies == result.trace.total.tolist()
    pictures = [Image.open(io.BytesIO(data)) for data in frames[-1].pictures]
    assert [picture.size for picture in pictures] == [(48, 40)] * 2
