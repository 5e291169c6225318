"""`preimage maximize`: images that excite channels, single responses or classes."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import preimage
from preimage.cli.common import (
    check_device,
    clear_errors,
    conclude,
    console,
    find_preset,
    parse_execution,
    parse_size,
    progress_bar,
)
from preimage.cli.options import Accelerate, Memory
from preimage.files import file_name
from preimage.names import parse_channels
from preimage.presets import PRESETS
from preimage.reporting.video import check_video, frame_interval, write_video

if TYPE_CHECKING:
    from preimage.cli.output import Output
    from preimage.networks import Network
    from preimage.representations.base import Representation
    from preimage.targets import Target
    from preimage.visualizations import PreImage

_BATCH = 8
"""Images that are optimized together."""


def maximize(
    model: Annotated[str, typer.Argument(help="NETWORK/LAYER, or with --classes NETWORK.")],
    channels: Annotated[str | None, typer.Option(help="Channels, as 0-24 or 3,7,9-12.")] = None,
    neuron: Annotated[
        list[str] | None, typer.Option(help="One response, as CHANNEL,ROW,COLUMN; repeatable.")
    ] = None,
    classes: Annotated[
        str | None, typer.Option(help='Classes by name or number, as "tree frog,cheeseburger".')
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="Weight file of the network, or random.")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder for the results, or a picture: several make a grid.")
    ] = Path("maximized"),
    seeds: Annotated[int, typer.Option(min=1, help="Images of each target.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="The first seed.")] = 0,
    preset: Annotated[str, typer.Option(help=f"Constants: {', '.join(PRESETS)}.")] = "modern",
    steps: Annotated[
        int | None, typer.Option(min=1, help="Iterations; the final stage of nnpreimage adds 50.")
    ] = None,
    strength: Annotated[
        float | None, typer.Option(min=0, help="C in units of 1 / Z; the preset's if not given.")
    ] = None,
    diversity: Annotated[
        float, typer.Option(min=0, help="How strongly the seeds of a target are to differ.")
    ] = 0,
    mosaic: Annotated[
        bool,
        typer.Option(
            "--mosaic", help="All targets in one image: cheaper where receptive fields are small."
        ),
    ] = False,
    size: Annotated[str | None, typer.Option(help="HEIGHTxWIDTH of the images.")] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            help="Folder of photos to take M from; if not given, the largest set that "
            "`preimage stats` has been through, or else the shipped photos."
        ),
    ] = None,
    grid: Annotated[bool, typer.Option("--grid", help="Also all results side by side.")] = False,
    video: Annotated[Path | None, typer.Option(help="Also a film, .gif or .mp4.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object for each result.")] = False,
    device: Annotated[str, typer.Option(help="Where to compute: cpu, cuda.")] = "cpu",
    accelerate: Accelerate = "auto",
    memory: Memory = None,
) -> None:
    """Find images that excite channels, single responses or classes of a network."""
    from preimage.cli.output import Output
    from preimage.photo_files import photo_paths
    from preimage.reporting.excitations import above_maximum, draw_results, film
    from preimage.visualizations.saving import write_picture

    with clear_errors():
        job = _Job.parse(model, weights, channels, neuron or [], classes)
        check_device(device)
        execution = parse_execution(accelerate, memory, device)
        if video is not None:
            check_video(video)
        settings = find_preset(preset, steps, strength)
        count = len(job.targets) * seeds
        is_picture = Output(out, grid).is_file
        output = Output.check(out, grid or (is_picture and count > 1), 1 if is_picture else count)
        options: dict[str, Any] = {
            "seeds": range(seed, seed + seeds),
            "size": _pair(size),
            "reference": None if images is None else photo_paths(images),
            "settings": settings,
            "diversity": diversity,
            "mosaic": mosaic,
            "device": device,
            "execution": execution,
            "snapshot_every": frame_interval(settings, job.layer) if video is not None else 0,
        }
        together = len(job.targets) if mosaic else max(1, _BATCH // seeds)
    lines, made = _run(job, output, options, together, as_json)
    with clear_errors():
        columns = seeds if seeds > 1 else math.ceil(math.sqrt(count))
        if output.grid:
            path = out if is_picture else out / f"{file_name(model)}.grid.png"
            pictures = [(r.to_pil(i), _label(r, i)) for r in made for i in range(len(r))]
            write_picture(path, draw_results(pictures, columns), lines)
        if video is not None:
            labels = [_label(r, i) for r in made for i in range(len(r))]
            write_video(video, film(made, labels, columns))
    if not as_json:
        typer.echo(above_maximum(lines))
    conclude([], any(result.interrupted for result in made))


@dataclass(frozen=True, slots=True)
class _Job:
    """What is to be excited.

    Attributes:
        model: a representation, or for classes a network.
        name: how results call it.
        targets: what to excite.
    """

    model: Representation | Network
    name: str
    targets: list[Target]

    @property
    def layer(self) -> Representation:
        """A representation of the model."""
        from preimage.representations.base import Representation

        if isinstance(self.model, Representation):
            return self.model
        return self.model.layer(self.model.score_layer)

    @classmethod
    def parse(
        cls,
        model: str,
        weights: str | None,
        channels: str | None,
        neurons: list[str],
        classes: str | None,
    ) -> _Job:
        """From the options; raises ValueError where they do not fit together."""
        from preimage import catalog
        from preimage.targets import channel, class_score, neuron

        if classes is not None:
            if "/" in model.rpartition(":")[2] and not model.startswith("matconvnet:"):
                raise ValueError(f"--classes takes a network without a layer, not {model}")
            if channels is not None or neurons:
                raise ValueError("give --classes, or --channels and --neuron")
            network = catalog.network(model, weights)
            names = [name.strip() for name in classes.split(",")]
            return cls(network, model, [class_score(name) for name in names])
        indices = [] if channels is None else parse_channels(channels)
        targets = [channel(None, index) for index in indices]
        targets += [neuron(None, *_parse_neuron(text)) for text in neurons]
        if not targets:
            raise ValueError("say what to excite: --channels 0-24, --neuron 5,3,3, --classes goose")
        return cls(catalog.representation(model, weights), model, targets)


def _run(
    job: _Job, output: Output, options: dict[str, Any], together: int, as_json: bool
) -> tuple[list[dict[str, Any]], list[PreImage]]:
    """Optimizes batch after batch; writes and prints each result when it is done."""
    from preimage.visualizations import DeadTargetError

    lines: list[dict[str, Any]] = []
    made: list[PreImage] = []
    with clear_errors(), progress_bar() as begin:
        for first in range(0, len(job.targets), together):
            targets = job.targets[first : first + together]
            report = begin(f"{job.name} {targets[0]}{' ...' if len(targets) > 1 else ''}")
            try:
                result = preimage.maximize(job.model, targets, progress=report, **options)
            except DeadTargetError as error:
                console.print(str(error), markup=False)
                continue
            made.append(result)
            if result.dead:
                console.print(f"dead, left out: {', '.join(result.dead)}", markup=False)
            for index in range(len(result)):
                lines.append(_write(job, output, result, index))
                _print(lines[-1], as_json)
            if result.interrupted:
                break
        if not made:
            raise ValueError("all targets are dead: no photo moves them")
    return lines, made


def _write(job: _Job, output: Output, result: PreImage, index: int) -> dict[str, Any]:
    """Writes one result as it is shown and plain; what is known of it."""
    from preimage.networks import Network
    from preimage.reporting.excitations import plain_path
    from preimage.visualizations.saving import write_picture

    line = result.describe(index)
    picture = result.to_pil(index)
    if isinstance(job.model, Network):
        line |= job.model.confidence(picture, line["target"])
    if output.grid and output.is_file:
        line["output"] = str(output.path)
        return line
    seed = f".seed{result.seeds[index]}" if len(set(result.seeds)) > 1 else ""
    stem = file_name(f"{job.name}.{line['target']}{seed}")
    path = output.path if output.is_file else output.path / f"{stem}.png"
    line["output"] = str(path)
    write_picture(path, picture, line)
    result.preprocessing.to_pil(result.images[index]).save(plain_path(path))
    return line


def _label(result: PreImage, index: int) -> str:
    words = str(result.describe(index)["target"])
    return f"{words}, seed {result.seeds[index]}" if len(set(result.seeds)) > 1 else words


def _parse_neuron(text: str) -> tuple[int, int, int]:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        raise ValueError(f"a neuron is CHANNEL,ROW,COLUMN, not {text!r}")
    return int(parts[0]), int(parts[1]), int(parts[2])


def _pair(size: str | None) -> tuple[int, int] | None:
    parsed = None if size is None else parse_size(size)
    return (parsed, parsed) if isinstance(parsed, int) else parsed


def _print(line: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(line))
        return
    times = f"{line['response'] / line['maximum']:.1f} M" if line["maximum"] > 0 else "M <= 0"
    words = [line["representation"], line["target"], f"seed {line['seed']}"]
    words.append(f"response {line['response']:.3g} ({times})")
    if "probability" in line:
        words.append(f"probability {line['probability']:.2f}")
    typer.echo("  ".join([*words, f"{line['seconds']:.1f} s"]) + f"  -> {line['output']}")
