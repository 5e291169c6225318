"""The command line and the lines of Python that make the picture of a task again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from preimage.app.task import DEFAULT_METHODS, Task
from preimage.files import file_name
from preimage.loss_weight import format_weight
from preimage.presets import QUALITIES

START = "start.npz"
"""The file of the result that a run went on from."""


def stem(task: Task) -> str:
    """Return the first part of the names of all files of a task.

    >>> stem(Task(visualization="maximize", representation="vgg-m/conv3", channels=(1,)))
    'maximize.vgg-m-conv3'
    """
    first = "maximize" if task.photo is None else task.photo.stem
    return file_name(f"{first}.{task.representation}")


def command(task: Task, start: str = START) -> str:
    """Return the command line of a task.

    Its photo, and the file `start` of the result to start from, if any, are in the present folder.

    >>> channels = {"representation": "vgg-m/conv3", "channels": (1, 7), "method": "modern"}
    >>> command(Task(visualization="maximize", **channels))
    'preimage maximize vgg-m/conv3 --channels 1,7 --threads 1'
    """
    return shlex.join(["preimage", task.visualization, *_arguments(task, start), "--threads", "1"])


def _arguments(task: Task, start: str) -> Iterator[str]:
    if task.visualization == "maximize":
        yield task.network if task.classes else task.representation
    if task.visualization != "maximize" and task.photo is not None:
        yield from (task.photo.name, "--rep", task.representation)
    if task.classes:
        yield from ("--classes", ",".join(task.classes))
    elif task.channels:
        yield from ("--channels", ",".join(map(str, task.channels)))
    if task.method != DEFAULT_METHODS[task.visualization]:
        is_quality = task.visualization == "invert" and task.method in QUALITIES
        yield from ("--quality" if is_quality else "--preset", task.method)
    if task.steps is not None:
        yield from ("--steps", str(task.steps))
    if len(task.seeds) > 1:
        yield from ("--seeds", str(len(task.seeds)))
    if task.seeds[0]:
        yield from ("--seed", str(task.seeds[0]))
    for weight in task.loss_weights:
        yield from ("--loss-weight", format_weight(weight))
    if task.strength is not None:
        yield from ("--strength", f"{task.strength:g}")
    if task.size is not None:
        yield from ("--size", str(task.size))
    if task.start is not None:
        yield from ("--start", start)


def python(task: Task, start: str = START) -> str:
    """Return the lines of Python of a task, likewise; they save each picture with its sidecar."""
    name = task.network if task.classes else task.representation
    loads = "network" if task.classes else "representation"
    first = stem(task)
    saves = [f"result.save({f'{first}.png'!r})"]
    if task.count > 1:
        saves = [
            "for n in range(len(result)):",
            f"    result.save({f'{first}.'!r} + f'{{n}}.png', n)",
        ]
    lines = [
        "import preimage",
        "",
        f"phi = preimage.{loads}({name!r})",
        f"result = preimage.{task.visualization}(",
        *(f"    {argument}," for argument in _python_arguments(task, start)),
        ")",
        *saves,
    ]
    return "\n".join(lines)


def _python_arguments(task: Task, start: str) -> Iterator[str]:
    yield "phi"
    if task.visualization == "maximize":
        yield repr(list(task.classes or task.channels))
    elif task.photo is not None:
        yield repr(task.photo.name)
    yield f"seeds={list(task.seeds)}"
    if task.loss_weights:
        yield f"loss_weight={list(task.loss_weights)}"
    if task.strength is not None:
        yield f"strength={task.strength!r}"
    if task.size is not None:
        yield f"size={task.size}"
    if task.start is not None:
        yield f"start={start!r}"
    chosen = f"preimage.{task.method.upper()}"
    if task.visualization == "invert":
        chosen = f"preimage.settings_for(phi, {task.method!r})"
    steps = "" if task.steps is None else f".with_steps({task.steps})"
    yield f"settings={chosen}{steps}"
    yield "execution=preimage.Execution(threads=1)"
