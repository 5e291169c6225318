"""`preimage invert`: images with the same code as a photo, or with a given code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import preimage
from preimage.cli.errors import clear_errors, conclude
from preimage.cli.inputs import Source, read_inputs
from preimage.cli.options import (
    Accelerate,
    AsJson,
    Channels,
    Device,
    Grid,
    Inputs,
    Layers,
    LossWeight,
    Memory,
    Out,
    Preset,
    Quality,
    Rep,
    Seed,
    Seeds,
    Size,
    Solver,
    Steps,
    Stream,
    Threads,
    Video,
    Weights,
    Window,
)
from preimage.cli.parsing import (
    find_representations,
    name_of_grid,
    parse_execution,
    parse_size,
)
from preimage.names import unknown
from preimage.presets import QUALITIES, UPRIGHT_PRESETS, settings_for
from preimage.settings import SOLVERS, Settings

if TYPE_CHECKING:
    from preimage.optimizer import Progress
    from preimage.representations.base import Representation
    from preimage.visualizations import PreImage

_CLASSICAL_SIZE = 640


def invert(
    inputs: Inputs,
    rep: Rep,
    layers: Layers = None,
    weights: Weights = None,
    out: Out = Path("preimages"),
    seeds: Seeds = 1,
    seed: Seed = 0,
    loss_weight: LossWeight = None,
    steps: Steps = None,
    quality: Quality = None,
    solver: Solver = None,
    preset: Preset = None,
    size: Size = None,
    window: Window = None,
    channels: Channels = None,
    stream: Stream = None,
    grid: Grid = False,
    video: Video = None,
    as_json: AsJson = False,
    device: Device = "cpu",
    accelerate: Accelerate = "auto",
    memory: Memory = None,
    threads: Threads = None,
) -> None:
    """Find images with the same code as a photo, or with a given code.

    Without --size, photos are reduced to 640 pixels for HOG and dense SIFT, or resized to the
    input of the network for its layers. --window, --channels and --stream leave the rest of the
    code free.
    """
    from preimage.cli.gallery import Gallery, photo_inputs
    from preimage.masks import Mask
    from preimage.reporting.video import frame_interval

    with clear_errors():
        chosen = find_representations(rep, layers, weights)
        options = {
            "size": parse_size(size),
            "seeds": range(seed, seed + seeds),
            "loss_weight": loss_weight,
            "mask": Mask(window, channels, stream),
            "device": device,
            "execution": parse_execution(accelerate, memory, device, threads),
        }
        settings = {
            phi.name: _choose_settings(phi, quality, solver, preset, steps) for phi in chosen
        }
        gallery = Gallery(out, grid=grid, video=video, as_json=as_json)
        sources, failures = read_inputs(inputs)

    def visualize(
        phi: Representation, content: dict[str, Any], progress: Callable[[Progress], None]
    ) -> PreImage:
        own = settings[phi.name]
        every = 0 if video is None else frame_interval(own, phi)
        given = options | content | {"size": _choose_size(phi, content, options["size"])}
        return preimage.invert(phi, **given, settings=own, snapshot_every=every, progress=progress)

    grid_name = name_of_grid(rep, layers, chosen)
    failures += gallery.show(photo_inputs(sources, chosen, _read, visualize), grid_name)
    conclude(failures, interrupted=gallery.interrupted)


def _read(source: Source) -> dict[str, Any]:
    """Return the keyword by which `preimage.invert` takes a photo or a saved code."""
    return {"codes": source.code()} if source.is_code else {"images": source.photo()}


def _choose_size(
    phi: Representation, content: dict[str, Any], size: Any
) -> int | tuple[int, int] | None:
    """Return the size of the images; None if it follows from the code or the layer."""
    if "codes" in content:
        return size if isinstance(size, tuple) else None
    return _CLASSICAL_SIZE if size is None and phi.default_size is None else size


def _choose_settings(
    phi: Representation,
    quality: str | None,
    solver: str | None,
    preset: str | None,
    steps: int | None,
) -> Settings:
    """Return the settings that the options ask for together.

    Raises:
        ValueError: if an option has no such value, or two contradict each other.
    """
    for kind, value, known in (
        ("solver", solver, SOLVERS), ("preset", preset, UPRIGHT_PRESETS),
        ("quality", quality, QUALITIES),
    ):  # fmt: skip
        if value is not None and value not in known:
            raise ValueError(unknown(kind, value, known))
    if preset is not None or solver == "algorithm-1":
        if quality is not None or solver == "sobolev-lbfgs":
            raise ValueError(
                "--preset and --solver algorithm-1 exclude --quality and --solver sobolev-lbfgs"
            )
        name = preset or "nnpreimage"
    else:
        name = quality or "fast"
    settings = settings_for(phi, name)
    return settings if steps is None else settings.with_steps(steps)
