"""`preimage caricature`: photos that exaggerate what excites a representation."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

import preimage
from preimage.cli.errors import clear_errors, conclude
from preimage.cli.inputs import Content, Source, read_inputs
from preimage.cli.options import (
    Accelerate,
    AsJson,
    Device,
    Grid,
    Judges,
    Layers,
    Memory,
    Out,
    Photos,
    Preset,
    Prior,
    Rep,
    Seed,
    Size,
    Steps,
    Strengths,
    Threads,
    Video,
    Weights,
    Workers,
)
from preimage.cli.parsing import (
    find_judge,
    find_preset,
    find_representations,
    name_of_grid,
    parse_execution,
    parse_size,
)
from preimage.presets import CARICATURE_PRESETS

if TYPE_CHECKING:
    from preimage.optimizer import Progress
    from preimage.representations.base import Representation
    from preimage.settings import Settings
    from preimage.visualizations import PreImage

_HARDLY = 1.2
"""The response, in units of that to the photo, below which a caricature looks like its photo."""
_ALIKE = 1.25
"""Two caricatures look alike if the stronger one raises the response by less than this factor
times what the weaker one does."""


def caricature(
    images: Photos,
    rep: Rep,
    layers: Layers = None,
    weights: Weights = None,
    out: Out = Path("caricatures"),
    strength: Strengths = None,
    seed: Seed = 0,
    preset: Preset = "anchored",
    prior: Prior = None,
    steps: Steps = None,
    size: Size = None,
    judge: Judges = None,
    grid: Grid = False,
    video: Video = None,
    as_json: AsJson = False,
    device: Device = "cpu",
    accelerate: Accelerate = "auto",
    memory: Memory = None,
    threads: Threads = None,
    workers: Workers = None,
) -> None:
    """Exaggerate what excites a representation in a photo."""
    from preimage.cli.gallery import Gallery
    from preimage.cli.runs import inputs_of, saves_time, share_out

    with clear_errors():
        settings = find_preset(preset, steps, None, prior, CARICATURE_PRESETS)
        chosen = find_representations(rep, layers, weights)
        execution = parse_execution(accelerate, memory, device, threads)
        options: dict[str, Any] = {
            "seeds": [seed],
            "strength": strength or None,
            "settings": settings,
            "size": parse_size(size),
            "device": device,
        }
        gallery = Gallery(out, grid=grid, video=video, as_json=as_json, judge=find_judge(judge))
        sources, failures = read_inputs(images)
        count = len(sources) * len(chosen) * len(strength or [0])
        gallery.check_space(count)
        find = functools.partial(_typical, chosen, sources, settings, options["size"])
        pays = functools.partial(saves_time, find, count, execution)
        sharing = share_out(workers, execution, device, count, pays)
    visualize = functools.partial(_visualize, options | sharing.options, video is not None)
    inputs = list(inputs_of(sources, chosen, _read, visualize))
    grid_name = name_of_grid(rep, layers, chosen)
    failures += gallery.show(inputs, grid_name, sharing.workers)
    if (words := advice(gallery.lines)) and not as_json:
        typer.echo(words)
    conclude(failures, interrupted=gallery.interrupted)


def advice(lines: Sequence[Mapping[str, Any]]) -> str:
    """Return what to do if no caricature differs much from its photo, or from a weaker one.

    >>> advice([{"response": 1.05, "strength": 10}])
    'response x 1.05: hardly more than the photo excites; try --strength 100'
    >>> told = {"input": "a.jpg", "representation": "hog", "steps": 20}
    >>> both = {3: 1.39, 30: 1.44}
    >>> advice([told | {"strength": s, "response": r} for s, r in both.items()])
    'strengths 3 and 30 came out alike after 20 steps, x 1.39 and x 1.44; try --strength 0.3'
    """
    best = max(lines, key=lambda line: line["response"] or 0, default={"response": math.inf})
    is_hardly_one = (best["response"] or 0) < _HARDLY
    pairs = _ends(lines)
    if pairs and all(_are_alike(weak, strong) for weak, strong in pairs):
        weak, strong = pairs[0]
        steps, less = f"--steps {10 * weak['steps']}", f"--strength {weak['strength'] / 10:g}"
        return (
            f"strengths {weak['strength']:g} and {strong['strength']:g} came out alike after "
            f"{weak['steps']} steps, x {weak['response']:.2f} and x {strong['response']:.2f}; "
            f"try {steps if is_hardly_one else less}"
        )
    if not is_hardly_one:
        return ""
    more = f"--strength {10 * best['strength']:g}"
    return f"response x {best['response']:.2f}: hardly more than the photo excites; try {more}"


def _ends(lines: Sequence[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Return the caricature of the least and of the largest strength of each photo and layer."""
    groups: dict[Any, list[Mapping[str, Any]]] = {}
    for line in lines:
        groups.setdefault((line.get("input"), line.get("representation")), []).append(line)
    ordered = [sorted(group, key=lambda line: line["strength"]) for group in groups.values()]
    return [(group[0], group[-1]) for group in ordered]


def _are_alike(weak: Mapping[str, Any], strong: Mapping[str, Any]) -> bool:
    """Return whether a stronger caricature excites the layer hardly more than a weaker one."""
    if weak["strength"] == strong["strength"] or None in (weak["response"], strong["response"]):
        return False
    growth, less = (line["response"] - 1 for line in (strong, weak))
    return bool(growth < _ALIKE * less)


def _typical(
    chosen: Sequence[Representation], sources: Sequence[Source], settings: Settings, size: Any
) -> tuple[Representation, tuple[int, int], Settings]:
    """Return what one of the caricatures is made by: representation, size and settings."""
    height, width = chosen[0].preprocessing.load(sources[0].photo(), size).shape[-2:]
    return chosen[0], (height, width), settings


def _visualize(
    options: dict[str, Any],
    is_filmed: bool,
    phi: Representation,
    content: Content,
    progress: Callable[[Progress], None],
    part: int,
) -> PreImage:
    """Return the caricature of a photo."""
    from preimage.visualizations.filming import frame_interval

    every = frame_interval(options["settings"], phi) if is_filmed else 0
    photo = content.parts[part]
    return preimage.caricature(phi, photo, **options, snapshot_every=every, progress=progress)


def _read(_: Representation, source: Source) -> Content:
    """Return the photo of a source."""
    return Content([source.photo()])
