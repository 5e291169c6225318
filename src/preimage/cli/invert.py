"""`preimage invert`: images whose code is that of a photo, or a given code."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import preimage
from preimage.cli.common import (
    Source,
    check_device,
    clear_errors,
    conclude,
    parse_execution,
    parse_size,
    percent,
    progress_bar,
    read_inputs,
    representations,
    use_one_thread,
)
from preimage.cli.options import Accelerate, Memory
from preimage.names import unknown
from preimage.presets import QUALITIES, UPRIGHT_PRESETS, settings_for
from preimage.reporting.video import check_video, frame_interval
from preimage.settings import SOLVERS, Settings

if TYPE_CHECKING:
    from preimage.cli.output import Reconstruction
    from preimage.masks import Mask
    from preimage.optimizer import Progress
    from preimage.representations.base import Representation

_CLASSICAL_SIZE = 640


def invert(
    inputs: Annotated[
        list[str],
        typer.Argument(help="Photos, folders of photos, codes (.npy), or - for standard input."),
    ],
    rep: Annotated[
        str, typer.Option(help="Representation, NETWORK/LAYER, or with --layers NETWORK.")
    ],
    layers: Annotated[
        str | None, typer.Option(help="Layers of the network, as conv1,relu2, or all.")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="Weight file of the network, or random.")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder for the results, or a file for a single picture.")
    ] = Path("preimages"),
    seeds: Annotated[int, typer.Option(min=1, help="Reconstructions of each input.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="The first seed.")] = 0,
    loss_weight: Annotated[
        list[float] | None,
        typer.Option(min=0, help="C of Eq. 1; give it several times to compare."),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            min=1, help="Iterations; with --preset nnpreimage, a final stage of networks adds 50."
        ),
    ] = None,
    quality: Annotated[
        str | None,
        typer.Option(
            help=f"{', '.join(QUALITIES)}: 20, 60 or 200 steps of the fast solver; 60, 200 or "
            "350 for networks."
        ),
    ] = None,
    solver: Annotated[str | None, typer.Option(help=f"{' or '.join(SOLVERS)}.")] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="Constants of Algorithm 1: nnpreimage, or paper (as printed)."),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            help="Longer side that photos are reduced to, or HEIGHTxWIDTH. Default: 640 for "
            "HOG and DSIFT, a network's own size."
        ),
    ] = None,
    window: Annotated[
        int | None, typer.Option(min=1, help="Only the central N x N responses (Figure 9).")
    ] = None,
    channels: Annotated[
        str | None, typer.Option(help="Only these channels, as 0-47 or 3,7 (Figure 10).")
    ] = None,
    stream: Annotated[
        int | None, typer.Option(min=1, max=2, help="Only one half of the channels.")
    ] = None,
    grid: Annotated[
        bool, typer.Option("--grid", help="Also original and results side by side.")
    ] = False,
    video: Annotated[Path | None, typer.Option(help="Also a film, .gif or .mp4.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object for each result.")] = False,
    device: Annotated[str, typer.Option(help="Where to compute: cpu, cuda.")] = "cpu",
    accelerate: Accelerate = "auto",
    memory: Memory = None,
) -> None:
    """Find images whose code is that of a photo, or a given code."""
    from preimage.cli.output import Output, write_film
    from preimage.masks import Mask

    with clear_errors():
        chosen = representations(rep, layers, weights)
        mask = Mask(window, channels, stream)
        check_device(device)
        if not chosen[0].is_network:
            use_one_thread(device)
        execution = parse_execution(accelerate, memory, device)
        options = {
            "seeds": range(seed, seed + seeds),
            "loss_weight": loss_weight,
            "device": device,
            "execution": execution,
        }
        jobs = []
        for representation in chosen:
            settings = _settings(representation, quality, solver, preset, steps)
            every = frame_interval(settings, representation) if video is not None else 0
            changes = {"settings": settings, "snapshot_every": every}
            pixels = None if size is None else parse_size(size)
            jobs.append(_Job(representation, mask, pixels, options | changes))
        if video is not None:
            check_video(video)
        sources, failures = read_inputs(inputs)
        pictures = 1 if grid else len(chosen) * seeds * len(loss_weight or [0])
        output = Output.check(out, grid, len(sources) * pictures)
    interrupted = False
    films: list[Reconstruction] = []
    with clear_errors(), progress_bar() as begin:
        for source in sources:
            made, lines = [], []
            try:
                for job in jobs:
                    made.append(job.run(source, begin(f"{source.name} {job.representation.name}")))
                    written = output.write(source, made[-1])
                    lines += written
                    for line in written:
                        _print(line, as_json)
                    if interrupted := made[-1].result.interrupted:
                        break
                if grid:
                    output.write_grid(source, made, lines)
                films += made if video is not None else []
            except (ValueError, OSError, ArithmeticError) as error:
                failures.append(f"{source.name}: {error}")
            if interrupted:
                break
        if video is not None and films:
            write_film(video, films)
    conclude(failures, interrupted)


@dataclass(frozen=True, slots=True)
class _Job:
    """A representation and how it is inverted."""

    representation: Representation
    mask: Mask
    size: int | tuple[int, int] | None
    options: dict[str, Any]

    def run(self, source: Source, progress: Callable[[Progress], None]) -> Reconstruction:
        """Inverts one input."""
        from preimage.cli.output import Reconstruction

        phi, size = self.representation, self.size
        if source.is_code:
            code = source.code()
            size = size if isinstance(size, tuple) else None
            target: dict[str, Any] = {"codes": code}
        else:
            if size is None and phi.default_size is None:
                size = _CLASSICAL_SIZE
            target = {"images": io.BytesIO(source.data)}
        result = preimage.invert(
            phi, **target, size=size, mask=self.mask, progress=progress, **self.options
        )
        return Reconstruction(phi.name, result, self.mask.named())


def _settings(
    representation: Representation,
    quality: str | None,
    solver: str | None,
    preset: str | None,
    steps: int | None,
) -> Settings:
    """What the options ask for together.

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
    settings = settings_for(representation, name)
    return settings if steps is None else settings.with_steps(steps)


def _print(line: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(line))
        return
    weight, seed = f"C {line['loss_weight']:g}", f"seed {line['seed']}"
    words = [line["input"], line["representation"], weight, seed]
    height, width = line["image_size"]
    words += [f"{height} x {width}", f"error {percent(line['error'])}", f"{line['seconds']:.1f} s"]
    typer.echo("  ".join(words) + f"  -> {line['output']}")
