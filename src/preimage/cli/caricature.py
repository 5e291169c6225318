"""`preimage caricature`: photos that exaggerate what excites a representation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    Strength,
    Threads,
    Video,
    Weights,
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
    from preimage.visualizations import PreImage


def caricature(
    images: Photos,
    rep: Rep,
    layers: Layers = None,
    weights: Weights = None,
    out: Out = Path("caricatures"),
    strength: Strength = None,
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
) -> None:
    """Exaggerate what excites a representation in a photo."""
    from preimage.cli.gallery import Gallery, inputs_of
    from preimage.reporting.video import frame_interval

    with clear_errors():
        settings = find_preset(preset, steps, strength, prior, CARICATURE_PRESETS)
        chosen = find_representations(rep, layers, weights)
        options: dict[str, Any] = {
            "seeds": [seed],
            "settings": settings,
            "size": parse_size(size),
            "device": device,
            "execution": parse_execution(accelerate, memory, device, threads),
        }
        gallery = Gallery(out, grid=grid, video=video, as_json=as_json, judge=find_judge(judge))
        sources, failures = read_inputs(images)
        gallery.check_space(len(sources) * len(chosen))

    def visualize(
        phi: Representation, content: Content, progress: Callable[[Progress], None], part: int
    ) -> PreImage:
        photo = content.parts[part]
        every = 0 if video is None else frame_interval(settings, phi)
        return preimage.caricature(phi, photo, **options, snapshot_every=every, progress=progress)

    grid_name = name_of_grid(rep, layers, chosen)
    failures += gallery.show(inputs_of(sources, chosen, _read, visualize), grid_name)
    conclude(failures, interrupted=gallery.interrupted)


def _read(_: Representation, source: Source) -> Content:
    """Return the photo of a source."""
    return Content([source.photo()])
