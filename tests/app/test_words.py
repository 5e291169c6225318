from __future__ import annotations

import dataclasses

from tests.app.test_task import photo

from preimage.app import words
from preimage.app.form import Form
from preimage.app.task import METHODS, Task


def test_every_method_and_field_of_help_exists() -> None:
    assert set(words.METHODS) == {name for names in METHODS.values() for name in names}
    fields = {field.name for field in dataclasses.fields(Form)}
    assert set(words.HELP) <= fields | {"photo"}


def test_the_end_of_a_run_is_said() -> None:
    task = Task(visualization="invert", representation="hog", photo=photo(), steps=2)
    result = task.carry_out(task.model(), lambda progress: None)
    assert words.ended(task, result).startswith("Done: 2 steps in ")
    stopped = dataclasses.replace(result, interrupted=True)
    assert words.ended(task, stopped) == 'Stopped after 2 steps. "Go on" continues from here.'
    remark = words.stopped_recipe(task, "noise.hog.npz")
    assert all(line.startswith("#") for line in remark.splitlines())
    assert "noise.hog.npz" in remark
