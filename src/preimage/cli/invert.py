"""`preimage invert`: images with the same code as a photo, or with a given code."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import preimage
from preimage.cli.codes import parse_code_scale, split_array
from preimage.cli.errors import clear_errors, conclude
from preimage.cli.inputs import Content, Source, read_inputs, read_start
from preimage.cli.notes import say_of_preset
from preimage.cli.options import (
    Accelerate,
    AsJson,
    Channels,
    CodeScale,
    Device,
    Grid,
    Inputs,
    Judges,
    Layers,
    LimitOfInputs,
    LossWeight,
    Memory,
    Out,
    Preset,
    Prior,
    Quality,
    Rep,
    Seed,
    Seeds,
    Size,
    Solver,
    Start,
    Steps,
    Stream,
    Threads,
    Video,
    Weights,
    Window,
    Workers,
)
from preimage.cli.parsing import (
    find_judge,
    find_representations,
    name_of_grid,
    parse_execution,
    parse_loss_weights,
    parse_size,
    with_changes,
)
from preimage.names import unknown
from preimage.presets import QUALITIES, UPRIGHT_PRESETS, settings_for
from preimage.settings import Settings
from preimage.solver_settings import SOLVERS

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
    start: Start = None,
    loss_weight: LossWeight = None,
    steps: Steps = None,
    quality: Quality = None,
    solver: Solver = None,
    preset: Preset = None,
    prior: Prior = None,
    size: Size = None,
    judge: Judges = None,
    window: Window = None,
    channels: Channels = None,
    stream: Stream = None,
    limit: LimitOfInputs = None,
    code_scale: CodeScale = None,
    grid: Grid = False,
    video: Video = None,
    as_json: AsJson = False,
    device: Device = "cpu",
    accelerate: Accelerate = "auto",
    memory: Memory = None,
    threads: Threads = None,
    workers: Workers = None,
) -> None:
    """Find images with the same code as a photo, or with a given code.

    Without --size, photos are reduced to 640 pixels for HOG and dense SIFT, or resized to the
    input of the network for its layers. --window, --channels and --stream leave the rest of the
    code free.
    """
    from preimage.cli.gallery import Gallery
    from preimage.cli.runs import inputs_of, saves_time, share_out
    from preimage.masks import Mask

    with clear_errors():
        chosen = find_representations(rep, layers, weights)
        execution = parse_execution(accelerate, memory, device, threads)
        options: dict[str, Any] = {
            "size": parse_size(size),
            "seeds": range(seed, seed + seeds),
            "start": read_start(start),
            "loss_weight": parse_loss_weights(loss_weight),
            "mask": Mask(window, channels, stream),
            "device": device,
        }
        scale = parse_code_scale(code_scale)
        settings = {
            phi.name: with_changes(_choose_settings(phi, quality, solver, preset), steps, prior)
            for phi in chosen
        }
        gallery = Gallery(out, grid=grid, video=video, as_json=as_json, judge=find_judge(judge))
        sources, failures = read_inputs(inputs)
        sources = sources[:limit]
        each = len(loss_weight or [0]) * seeds
        gallery.check_space(len(sources) * len(chosen) * each)
        read = functools.partial(_read, size=options["size"], limit=limit)
        visualize = functools.partial(_visualize, options, settings, scale, video is not None)
        listed = list(inputs_of(sources, chosen, read, visualize))
        count = sum(len(item.runs) for item in listed)
        find = functools.partial(_typical, chosen, sources, read, settings, options["size"])
        pays = functools.partial(saves_time, find, count * each, execution)
        sharing = share_out(workers, execution, device, count, pays)
        options |= sharing.options
    failures += gallery.show(listed, name_of_grid(rep, layers, chosen), sharing.workers)
    conclude(failures, interrupted=gallery.interrupted)


def _visualize(
    options: dict[str, Any],
    settings: Mapping[str, Settings],
    scale: float | str | None,
    is_filmed: bool,
    phi: Representation,
    content: Content,
    progress: Callable[[Progress], None],
    part: int,
) -> PreImage:
    """Return the inversion of a photo, or of one of several codes."""
    from preimage.visualizations.filming import frame_interval

    own = settings[phi.name]
    given = options | {"size": _choose_size(phi, content, options["size"])}
    given["codes" if content.is_code else "images"] = content.parts[part]
    given["code_scale"] = scale if content.is_code else None
    every = frame_interval(own, phi) if is_filmed else 0
    return preimage.invert(phi, **given, settings=own, snapshot_every=every, progress=progress)


def _typical(
    chosen: Sequence[Representation],
    sources: Sequence[Source],
    read: Callable[[Representation, Source], Content],
    settings: Mapping[str, Settings],
    size: Any,
) -> tuple[Representation, tuple[int, int], Settings]:
    """Return what one of the inversions is made by: representation, size and settings."""
    import numpy as np

    phi = chosen[0]
    content = read(phi, sources[0])
    given, part = _choose_size(phi, content, size), content.parts[0]
    if content.is_code:
        height, width = (
            given if isinstance(given, tuple) else phi.image_size(np.asarray(part).shape)
        )
    else:
        height, width = phi.preprocessing.load(part, given).shape[-2:]
    return phi, (height, width), settings[phi.name]


def _read(phi: Representation, source: Source, size: Any, limit: int | None) -> Content:
    """Return the photo of a source, or at most `limit` of its codes."""
    if not source.is_code:
        return Content([source.photo()])
    given = size if isinstance(size, tuple) else None
    parts, is_photo = split_array(phi, source.code(), given)
    return Content(parts[:limit], is_code=not is_photo)


def _choose_size(phi: Representation, content: Content, size: Any) -> int | tuple[int, int] | None:
    """Return the size of the images; None if it follows from the code or the layer."""
    if content.is_code:
        return size if isinstance(size, tuple) else None
    return _CLASSICAL_SIZE if size is None and phi.default_size is None else size


def _choose_settings(
    phi: Representation,
    quality: str | None,
    solver: str | None,
    preset: str | None,
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
        if quality is not None or solver not in (None, "algorithm-1"):
            raise ValueError(
                "--preset and --solver algorithm-1 exclude --quality and the other solvers"
            )
        name = preset or "nnpreimage"
        say_of_preset(name)
    else:
        name = quality or "fast"
    return settings_for(phi, name, solver)
