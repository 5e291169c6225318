from __future__ import annotations

import ast
import dataclasses
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageChops
from tests.app.test_task import photo
from tests.cli.runner import run

from preimage.app import recipes
from preimage.app.task import Task
from preimage.visualizations import PreImage

TASK = Task(
    visualization="invert", representation="hogb", photo=photo(), method="draft", steps=4, size=40,
    seeds=(1, 2), loss_weights=(20.0,),
)  # fmt: skip


def _found(task: Task) -> PreImage:
    return task.carry_out(task.model(), lambda progress: None)


def _is_same(picture: Path, result: PreImage, index: int) -> bool:
    with Image.open(picture) as saved:
        return ImageChops.difference(saved, result.to_pil(index)).getbbox() is None


def _start(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Task:
    """Puts the files that the recipes of a task name into the present folder; returns the task."""
    monkeypatch.chdir(folder)
    Path("noise.png").write_bytes(photo().data)
    first = _found(dataclasses.replace(TASK, seeds=(0, 0)))
    first.save(recipes.START)
    return dataclasses.replace(TASK, start=first)


def test_the_command_makes_the_same_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = _start(tmp_path, monkeypatch)
    line = recipes.command(task)
    assert line == (
        "preimage invert noise.png --rep hogb --quality draft --steps 4 --seeds 2 --seed 1 "
        "--loss-weight 20 --size 40 --start start.npz --threads 1"
    )
    assert run(*line.split()[1:]).status == 0
    result = _found(task)
    assert _is_same(Path("preimages/noise.hogb.seed1.png"), result, 0)
    assert _is_same(Path("preimages/noise.hogb.seed2.png"), result, 1)


def test_the_lines_of_python_make_the_same_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = _start(tmp_path, monkeypatch)
    subprocess.run([sys.executable, "-c", recipes.python(task)], check=True)
    result = _found(task)
    assert all(_is_same(Path(f"noise.hogb.{n}.png"), result, n) for n in (0, 1))


@pytest.mark.parametrize(
    ("task", "command", "python"),
    [
        (Task(visualization="maximize", representation="net/conv", classes=("tree frog", "7"),
              method="nnpreimage", strength=30.0),
         "preimage maximize net --classes 'tree frog,7' --preset nnpreimage --strength 30",
         "preimage.network('net')"),
        (Task(visualization="caricature", representation="net/conv", method="anchored",
              photo=photo()),
         "preimage caricature noise.png --rep net/conv --threads 1", "preimage.ANCHORED"),
    ],
)  # fmt: skip
def test_other_tasks_have_recipes_too(task: Task, command: str, python: str) -> None:
    assert recipes.command(task).startswith(command)
    lines = recipes.python(task)
    assert python in lines
    compile(lines, "lines", "exec")


def test_a_name_that_a_shell_would_read_is_quoted() -> None:
    hostile = dataclasses.replace(photo(), name="a b;$(rm){x}'.png")
    task = dataclasses.replace(TASK, photo=hostile)
    assert shlex.split(recipes.command(task))[2] == hostile.name
    names = [node.value for node in ast.walk(ast.parse(recipes.python(task)))
             if isinstance(node, ast.Constant)]  # fmt: skip
    assert hostile.name in names
    assert "a-b;$(rm){x}'.hogb." in names


def test_the_recipe_of_a_caricature_gives_the_apps_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("noise.png").write_bytes(photo().data)
    task = Task(
        visualization="caricature", representation="hog", photo=photo(), method="nnpreimage",
        strength=20.0, steps=3, size=40,
    )  # fmt: skip
    scope: dict[str, PreImage] = {}
    exec(recipes.python(task), scope)
    assert torch.equal(scope["result"].images, _found(task).images)
