"""`preimage demo` and `preimage reproduce ...`: results of the paper."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

import preimage
from preimage.cli.common import (
    check_device,
    clear_errors,
    console,
    percent,
    progress_bar,
)
from preimage.experiments import table4 as table4_experiment
from preimage.photo_files import list_images, shipped_photos
from preimage.reporting.grid import Cell, draw_grid
from preimage.reporting.results import check_folder, check_picture
from preimage.reporting.table4 import HEADER, format_rows, write_table4


def demo(
    out: Annotated[Path, typer.Option(help="The picture to write.")] = Path("demo.png"),
) -> None:
    """Invert a photo that comes with the package from HOG, HOGb and DSIFT, as in Figure 4."""
    with clear_errors(), progress_bar() as begin:
        check_picture(out)
        check_device("cpu")
        photo = shipped_photos()["chelsea"]
        rows: list[tuple[str, ...]] = []
        cells: list[Cell] = []
        for name in table4_experiment.REPRESENTATIONS:
            representation = preimage.representation(name)
            start = time.perf_counter()
            result = preimage.invert(representation, photo, progress=begin(name))
            seconds = time.perf_counter() - start
            if not cells:
                original = representation.preprocessing.load(photo)
                cells.append(Cell(representation.preprocessing.to_pil(original), "original"))
            label = f"{name}: {percent(result.error[0])}"
            cells.append(Cell(result.to_pil(), label))
            rows.append((name, percent(result.error[0]), f"{seconds:.1f}"))
            if result.interrupted:
                break
        out.parent.mkdir(parents=True, exist_ok=True)
        draw_grid([cells[:2], cells[2:]]).save(out)
    _print_table(("representation", "error", "seconds"), rows)
    typer.echo(f"wrote {out}")
    if result.interrupted:
        raise typer.Exit(130)


def table4(
    images: Annotated[
        Path | None, typer.Option(help="Folder of photos; those of the package if not given.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the table and its store.")] = Path("table4"),
    size: Annotated[int, typer.Option(min=25, help="Longer side of the photos.")] = 320,
) -> None:
    """Reconstruction error of HOG, HOGb and DSIFT; run again to go on after a stop."""
    with clear_errors(), progress_bar() as begin:
        check_device("cpu")
        check_folder(out)
        photos = list(shipped_photos().values()) if images is None else list_images(images)
        out.mkdir(parents=True, exist_ok=True)
        measurements, failures = [], []
        for index, photo in enumerate(photos):
            report = begin(f"{photo.name} ({index + 1} of {len(photos)})")
            try:
                measurements += table4_experiment.measure(photo, out, size=size, progress=report)
            except preimage.ImageError as error:
                failures.append(str(error))
        if measurements:
            summaries = table4_experiment.summarize(measurements)
            rows = sorted(
                [*table4_experiment.published(), *summaries],
                key=lambda row: table4_experiment.REPRESENTATIONS.index(row.representation),
            )
            paths = write_table4(out, rows, measurements, photos)
    if measurements:
        _print_table(HEADER, format_rows(rows))
        typer.echo(f"{len(photos) - len(failures)} photos; wrote {', '.join(map(str, paths))}")
    for failure in failures:
        console.print(f"error: {failure}", markup=False)
    if failures:
        raise typer.Exit(2)


def _print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(*header)
    for row in rows:
        table.add_row(*row)
    Console().print(table)
