"""`preimage maximize`: images that excite channels, single responses or classes."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

import preimage
from preimage.cli.errors import clear_errors, conclude
from preimage.cli.inputs import read_start
from preimage.cli.notes import ENOUGH
from preimage.cli.options import (
    Accelerate,
    AsJson,
    Channels,
    Classes,
    Device,
    Diversity,
    Grid,
    Judges,
    Memory,
    Mosaic,
    Neurons,
    Out,
    Preset,
    Prior,
    Reference,
    RepArgument,
    Seed,
    Seeds,
    Size,
    Start,
    Steps,
    Strength,
    Threads,
    Video,
    Weights,
    Workers,
)
from preimage.cli.parsing import (
    check_has_classes,
    find_judge,
    find_preset,
    parse_execution,
    parse_names,
    parse_neuron,
    parse_size,
)
from preimage.grid import COLUMNS, even_columns
from preimage.names import parse_channels

if TYPE_CHECKING:
    from preimage.cli.runs import Run
    from preimage.networks import Network
    from preimage.optimizer import Progress
    from preimage.representations.base import Representation
    from preimage.settings import Settings
    from preimage.targets import Target
    from preimage.visualizations import PreImage
    from preimage.visualizations.responses import Measured

_BATCH = 8
"""Number of images that are computed together."""
_RUNS_PER_WORKER = 2
"""Number of runs that each worker has at least, if there are enough targets: results then come
early, and a run copies the network once."""


def maximize(
    rep: RepArgument,
    channels: Channels = None,
    neurons: Neurons = None,
    classes: Classes = None,
    weights: Weights = None,
    out: Out = Path("maximized"),
    seeds: Seeds = 1,
    seed: Seed = 0,
    start: Start = None,
    preset: Preset = "modern",
    prior: Prior = None,
    steps: Steps = None,
    strength: Strength = None,
    diversity: Diversity = 0,
    mosaic: Mosaic = False,
    size: Size = None,
    reference: Reference = None,
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
    """Find images that excite channels, single responses or classes of a network."""
    from preimage.cli.gallery import Gallery
    from preimage.cli.runs import Input, saves_time, share_out
    from preimage.photo_files import photo_paths
    from preimage.visualizations import PreImage
    from preimage.visualizations.filming import frame_interval

    with clear_errors():
        model, targets = _choose_targets(rep, weights, channels, neurons or [], classes)
        settings = find_preset(preset, steps, strength, prior)
        execution = parse_execution(accelerate, memory, device, threads)
        options: dict[str, Any] = {
            "seeds": range(seed, seed + seeds),
            "start": read_start(start),
            "size": parse_size(size),
            "reference": None if reference is None else photo_paths(reference),
            "settings": settings,
            "diversity": diversity,
            "mosaic": mosaic,
            "device": device,
            "snapshot_every": frame_interval(settings, _representation(model)) if video else 0,
        }
        widest = max(COLUMNS, math.ceil(math.sqrt(len(targets))))
        columns = seeds if seeds > 1 else even_columns(len(targets), widest)
        gallery = Gallery(
            out, grid=grid, video=video, as_json=as_json, columns=columns, judge=find_judge(judge)
        )
        gallery.check_space(len(targets) * seeds)
        is_one = mosaic or out.suffix == ".npz" or isinstance(options["start"], PreImage)
        typical = partial(_typical, model, settings, options["size"])
        pays = partial(saves_time, typical, len(targets) * seeds, execution)
        sharing = share_out(workers, execution, device, 1 if is_one else len(targets), pays)
        groups = _group(len(targets), seeds, sharing.workers, is_one=is_one)
        item = Input(
            name=rep, stem="", runs=_runs(rep, model, targets, groups, options | sharing.options),
            describe=partial(_confidence, model), class_name=partial(_class_name, model),
        )  # fmt: skip
    failures = gallery.show([item], rep, sharing.workers)
    if gallery.lines and not as_json:
        typer.echo(above_maximum(gallery.lines, are_classes=classes is not None))
    conclude(failures, interrupted=gallery.interrupted)


def _group(targets: int, seeds: int, workers: int, *, is_one: bool = False) -> list[slice]:
    """Return the targets of each run: all if there is to be one, and equal parts for workers.

    >>> [part.stop - part.start for part in _group(25, 1, 1)]
    [8, 8, 8, 1]
    >>> [part.stop - part.start for part in _group(25, 1, 2)]
    [7, 6, 6, 6]
    >>> [part.stop - part.start for part in _group(3, 4, 2)]
    [1, 1, 1]
    """
    most = targets if is_one else max(1, _BATCH // seeds)
    if workers == 1:
        return [slice(n, min(n + most, targets)) for n in range(0, targets, most)]
    rounds = max(_RUNS_PER_WORKER, -(-targets // (most * workers)))
    runs = min(targets, rounds * workers)
    ends = [-(-targets * n // runs) for n in range(runs + 1)]
    return [slice(first, end) for first, end in itertools.pairwise(ends)]


def _measure_once(
    model: Representation | Network, targets: Sequence[Target], options: dict[str, Any]
) -> Measured | None:
    """Return M of all targets, which all runs share; None if the runs are to tell what is wrong."""
    from preimage.cli.runs import ERRORS
    from preimage.visualizations.maximization import find_maxima

    given = {name: options[name] for name in ("size", "reference", "device", "execution")}
    try:
        return find_maxima(model, targets, **given)
    except ERRORS:
        return None


def _runs(
    rep: str,
    model: Representation | Network,
    targets: Sequence[Target],
    groups: Sequence[slice],
    options: dict[str, Any],
) -> list[Run]:
    """Return the runs of a command, one for each group of targets."""
    from preimage.cli.runs import Run

    maxima = _measure_once(model, targets, options) if len(groups) > 1 else None
    runs = []
    for group in groups:
        some = targets[group]
        own = options | {"maxima": None if maxima is None else maxima.select(group)}
        name = f"{rep} {some[0]}{' ...' if len(some) > 1 else ''}"
        runs.append(Run(name, key=str(some[0]), compute=partial(_maximize, model, some, own)))
    return runs


def _maximize(
    model: Representation | Network,
    targets: Sequence[Target],
    options: dict[str, Any],
    progress: Callable[[Progress], None],
) -> PreImage:
    """Return the images that excite some of the targets; dead ones are printed with the results."""
    with warnings.catch_warnings(action="ignore", category=preimage.DeadTargetWarning):
        return preimage.maximize(model, targets, progress=progress, **options)


def _typical(
    model: Representation | Network, settings: Settings, size: Any
) -> tuple[Representation, tuple[int, int], Settings]:
    """Return what one of the images is made by: representation, size and settings."""
    from preimage.preprocessing import DEFAULT_SIZE

    phi = _representation(model)
    side = size or phi.default_size or DEFAULT_SIZE
    return phi, (side, side) if isinstance(side, int) else side, settings


def _choose_targets(
    rep: str, weights: str | None, channels: str | None, neurons: Sequence[str], classes: str | None
) -> tuple[Representation | Network, list[Target]]:
    """Return the representation or network, and the targets in it.

    Raises:
        ValueError: if the options contradict each other, or name what does not exist.
    """
    from preimage.targets import channel, class_score, neuron

    if classes is not None:
        check_has_classes(rep)
        if channels is not None or neurons:
            raise ValueError("give --classes, or --channels and --neurons")
        return preimage.network(rep, weights=weights), [
            class_score(name) for name in parse_names(classes)
        ]
    if channels is None and not neurons:
        raise ValueError("say what to excite: --channels 0-24, --neurons 5,3,3, --classes goose")
    phi = preimage.representation(rep, weights)
    targets = [neuron(None, *parse_neuron(text)) for text in neurons]
    if channels is not None:
        size = phi.default_size
        count = None if size is None else phi.code_grid(*size).channels
        targets = [channel(None, index) for index in parse_channels(channels, count)] + targets
    return phi, targets


def _representation(model: Representation | Network) -> Representation:
    """Return the representation whose components are maximized."""
    from preimage.networks import Network

    return model.layer(model.score_layer) if isinstance(model, Network) else model


def _confidence(model: Representation | Network, result: PreImage, index: int) -> dict[str, Any]:
    """Return how the network classifies the picture of a class; nothing for other targets."""
    from preimage.networks import Network

    if not isinstance(model, Network) or result.targets is None:
        return {}
    if model.preprocessing.channels not in (1, 3):  # a picture of it shows but three channels
        return {}
    return model.confidence(result.to_pil(index), result.targets[index])


def _class_name(model: Representation | Network, result: PreImage, index: int) -> str | None:
    """Return all names of the class of a picture, which may be given by its number."""
    from preimage.networks import Network

    if not isinstance(model, Network) or result.targets is None:
        return None
    return model.classes[model.class_index(result.targets[index])]


def above_maximum(lines: Sequence[dict[str, Any]], *, are_classes: bool = False) -> str:
    """Return a phrase that says how many targets respond above M, and which only below it.

    It also says if steps were few.

    >>> line = {"target": "5", "response": 3.0, "maximum": 2.0, "reference": "9 photos"}
    >>> above_maximum([line, line | {"response": 1.0}])
    '1 of 1 live targets above the maximum M over 9 photos'
    >>> above_maximum([line, line | {"target": "14", "response": 0.0}])
    '1 of 2 live targets above the maximum M over 9 photos; no image of channel 14 reached its M: \
more --steps or --seeds, or a larger --strength, can raise it, unless it asks for black or white \
(docs/maximization.md)'
    """
    best: dict[str, float] = {}
    for line in lines:
        above = line["response"] - line["maximum"]
        best[line["target"]] = max(best.get(line["target"], above), above)
    count = sum(above > 0 for above in best.values())
    words = f"{count} of {len(best)} live targets above the maximum M over {lines[0]['reference']}"
    below = [target for target, above in best.items() if above < 0]
    if (steps := lines[0].get("steps", ENOUGH)) < ENOUGH:
        words += f"; after {steps} steps pictures are noisier than they need be"
    if not below:
        return words
    advice = (
        "more --steps or --seeds, or a larger --strength, can raise it, unless it asks for black "
        "or white (docs/maximization.md)"
    )
    return f"{words}; no image of {_targets_in_words(below, are_classes)} M: {advice}"


def _targets_in_words(targets: Sequence[str], are_classes: bool) -> str:
    """Return which targets did not reach what is theirs.

    >>> _targets_in_words(["14"], False), _targets_in_words(["goose", "1"], True)
    ('channel 14 reached its', 'classes goose, 1 reached their')
    >>> _targets_in_words(["14", "5:3,7"], False)
    'responses 14, 5:3,7 reached their'
    """
    is_one = len(targets) == 1
    if are_classes:
        noun = "class" if is_one else "classes"
    else:
        noun = "channel" if all(target.isdecimal() for target in targets) else "response"
        noun += "" if is_one else "s"
    return f"{noun} {', '.join(targets)} reached {'its' if is_one else 'their'}"
