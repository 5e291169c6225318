"""`preimage invert`: images whose code is that of a photo, or a given code."""

from __future__ import annotations

import io
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from PIL import Image

import preimage
from preimage.cli.common import (
    Source,
    check_device,
    clear_errors,
    console,
    parse_size,
    percent,
    progress_bar,
    read_inputs,
)
from preimage.reporting.grid import Cell, draw_grid
from preimage.reporting.results import check_picture, check_writable, describe, write_result
from preimage.representations.base import Representation
from preimage.settings import PRESETS, QUALITIES, SOLVERS, Settings
from preimage.visualizations import PreImage, choose_settings


def invert(
    inputs: Annotated[
        list[str],
        typer.Argument(help="Photos, folders of photos, codes (.npy), or - for standard input."),
    ],
    rep: Annotated[str, typer.Option(help="Representation; see `preimage representations`.")],
    out: Annotated[
        Path, typer.Option(help="Folder for the results, or a file for a single picture.")
    ] = Path("preimages"),
    seeds: Annotated[int, typer.Option(min=1, help="Reconstructions of each input.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="The first seed.")] = 0,
    loss_weight: Annotated[
        list[float] | None,
        typer.Option(min=0, help="C of Eq. 1; give it several times to compare."),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Iterations.")] = None,
    quality: Annotated[
        str | None,
        typer.Option(help=f"{', '.join(QUALITIES)}: 20, 60 or 200 steps of the fast solver."),
    ] = None,
    solver: Annotated[str | None, typer.Option(help=f"{' or '.join(SOLVERS)}.")] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="Constants of Algorithm 1: nnpreimage, or paper (as printed)."),
    ] = None,
    size: Annotated[
        str,
        typer.Option(help="Longer side that photos are reduced to, or HEIGHTxWIDTH."),
    ] = "640",
    grid: Annotated[
        bool, typer.Option("--grid", help="Also original and results side by side.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object for each result.")] = False,
    device: Annotated[str, typer.Option(help="Where to compute: cpu, cuda.")] = "cpu",
) -> None:
    """Find images whose code is that of a photo, or a given code."""
    with clear_errors():
        representation = preimage.representation(rep)
        settings = _settings(representation, quality, solver, preset, steps)
        wanted_size = parse_size(size)
        check_device(device)
        sources, failures = read_inputs(inputs)
        results_each = 1 if grid else seeds * len(loss_weight or [0])
        output = Output.check(out, rep, grid, len(sources) * results_each)
    interrupted = False
    with clear_errors(), progress_bar() as begin:
        for source in sources:
            try:
                start = time.perf_counter()
                result = preimage.invert(
                    representation,
                    **_target(source, wanted_size),
                    seeds=range(seed, seed + seeds),
                    loss_weights=loss_weight,
                    settings=settings,
                    device=device,
                    progress=begin(source.name),
                )
                seconds = (time.perf_counter() - start) / len(result)
                for line in output.write(source, result, seconds):
                    _print(line, as_json)
            except (ValueError, OSError, ArithmeticError) as error:
                failures.append(f"{source.name}: {error}")
                continue
            if interrupted := result.interrupted:
                break
    for failure in failures:
        console.print(f"error: {failure}", markup=False)
    if interrupted:
        console.print("interrupted: the pictures are as far as they came")
        raise typer.Exit(130)
    if failures:
        raise typer.Exit(2)


@dataclass(slots=True)
class Output:
    """Where the results go, and under which names.

    Attributes:
        path: a folder, or the file of a single picture.
        representation: its name, a part of the names of the files.
        grid: whether to put original and results side by side.
        taken: names that this run has given, so that no result replaces another.
    """

    path: Path
    representation: str
    grid: bool
    taken: set[str] = field(default_factory=set)

    @classmethod
    def check(cls, path: Path, representation: str, grid: bool, pictures: int) -> Output:
        """An output that can be written and holds so many pictures.

        Raises:
            ValueError: if a single file is to hold several pictures or is none.
            OSError: if it cannot be written.
        """
        output = cls(path, representation, grid)
        if output.is_file and pictures > 1:
            raise ValueError(
                f"{path} is one file, for {pictures} pictures: "
                "give a folder, or one input and --grid"
            )
        if output.is_file:
            check_picture(path)
        else:
            check_writable(path)
        return output

    @property
    def is_file(self) -> bool:
        """Whether the path names a picture instead of a folder."""
        return self.path.suffix.lower() in Image.registered_extensions() and not self.path.is_dir()

    def write(self, source: Source, result: PreImage, seconds: float) -> list[dict[str, Any]]:
        """Writes the results of one input and returns what is known of each."""
        given = {"input": source.name, "sha256": source.sha256}
        given |= {"visualization": "invert", "representation": self.representation}
        stem = self._unique(f"{source.stem}.{self.representation.replace('/', '-')}")
        lines = []
        for index in range(len(result)):
            described = describe(result, index, given, seconds)
            path = self.path
            if self.grid or not self.is_file:
                path = self._picture(stem, result, index)
            lines.append({"input": source.name, "output": str(path), **described})
            if not (self.grid and self.is_file):
                write_result(result.to_pil(index), path, lines[-1])
        if self.grid:
            path = self.path if self.is_file else self.path / f"{stem}.grid.png"
            for line in lines:
                line |= {"output": str(path)} if self.is_file else {}
            write_result(self._draw(source, result), path, lines)
        return lines

    def _picture(self, stem: str, result: PreImage, index: int) -> Path:
        code = f".code{result.sources[index]}" if len(set(result.sources)) > 1 else ""
        several = len(set(result.loss_weights)) > 1
        weight = f".C{result.loss_weights[index]:g}" if several else ""
        seed = f".seed{result.seeds[index]}" if any(result.seeds) else ""
        return self.path / f"{stem}{code}{weight}{seed}.png"

    def _unique(self, stem: str) -> str:
        name, count = stem, 1
        while name in self.taken:
            count += 1
            name = f"{stem}-{count}"
        self.taken.add(name)
        return name

    def _draw(self, source: Source, result: PreImage) -> Image.Image:
        cells = []
        if not source.is_code:
            height, width = result.images.shape[-2:]
            original = result.preprocessing.load(io.BytesIO(source.data), (height, width))
            cells.append(Cell(result.preprocessing.to_pil(original), source.stem))
        for index in range(len(result)):
            words = [self.representation, f"seed {result.seeds[index]}"]
            if len(set(result.loss_weights)) > 1:
                words.append(f"C {result.loss_weights[index]:g}")
            label = f"{', '.join(words)}: {percent(result.error[index])}"
            cells.append(Cell(result.to_pil(index), label))
        return draw_grid([cells])


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
    for name, value, known in (("solver", solver, SOLVERS), ("preset", preset, PRESETS)):
        if value is not None and value not in known:
            raise ValueError(f"unknown {name} {value!r}: there are {', '.join(known)}")
    if preset is not None or solver == "algorithm-1":
        if quality is not None or solver == "sobolev-lbfgs":
            raise ValueError("--quality belongs to sobolev-lbfgs and --preset to algorithm-1")
        settings = PRESETS[preset or "nnpreimage"]
    else:
        if solver is not None:
            quality = quality or "fast"
        settings = choose_settings(representation, quality)
    return settings if steps is None else settings.with_steps(steps)


def _target(source: Source, size: int | tuple[int, int]) -> dict[str, Any]:
    """What `preimage.invert` is to invert."""
    if not source.is_code:
        return {"images": io.BytesIO(source.data), "size": size}
    return {"codes": source.code(), "size": size if isinstance(size, tuple) else None}


def _print(line: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(line))
        return
    weight, seed = f"C {line['loss_weight']:g}", f"seed {line['seed']}"
    words = [line["input"], line["representation"], weight, seed]
    height, width = line["image_size"]
    words += [f"{height} x {width}", f"error {percent(line['error'])}", f"{line['seconds']:.1f} s"]
    typer.echo("  ".join(words) + f"  -> {line['output']}")
