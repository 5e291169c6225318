"""`preimage demo`, `preimage reproduce table4` and its baseline, `hoggle`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

import preimage


def demo(
    out: Annotated[Path, typer.Option(help="The picture to write.")] = Path("demo.png"),
) -> None:
    """Invert a photo that comes with the package from HOG, HOGb and DSIFT, as in Figure 4."""
    from preimage.cli.common import clear_errors, percent, progress_bar, use_one_thread
    from preimage.paper import table4 as table4_experiment
    from preimage.photo_files import shipped_photos
    from preimage.reporting.grid import Cell, draw_grid
    from preimage.reporting.results import check_picture

    with clear_errors(), progress_bar() as begin:
        check_picture(out)
        use_one_thread("cpu")
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
            label = f"{name}: {percent(result.describe()['error'])}"
            cells.append(Cell(result.to_pil(), label))
            rows.append((name, percent(result.describe()["error"]), f"{seconds:.1f}"))
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
    hoggle: Annotated[
        Path | None, typer.Option(help="Measure HOGgle too: a file of `preimage reproduce hoggle`.")
    ] = None,
) -> None:
    """Reconstruction error of HOG, HOGb and DSIFT; run again to go on after a stop."""
    from preimage.cli.common import clear_errors, console, progress_bar, use_one_thread
    from preimage.paper import hoggle as hoggle_experiment
    from preimage.paper import table4 as table4_experiment
    from preimage.photo_files import list_images, shipped_photos
    from preimage.reporting.results import check_folder
    from preimage.reporting.table4 import HEADER, format_rows, write_table4

    with clear_errors(), progress_bar() as begin:
        use_one_thread("cpu")
        check_folder(out)
        photos = list(shipped_photos().values()) if images is None else list_images(images)
        dictionaries = None if hoggle is None else hoggle_experiment.load(hoggle)
        measurements, failures = [], []
        for index, photo in enumerate(photos):
            report = begin(f"{photo.name} ({index + 1} of {len(photos)})")
            try:
                measurements += table4_experiment.measure(
                    photo, out, size=size, dictionaries=dictionaries, progress=report
                )
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


def hoggle(
    images: Annotated[
        Path | None, typer.Option(help="Folder of photos; those of the package if not given.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("hoggle.npz"),
) -> None:
    """Train HOGgle, the baseline of Table 4, for `table4 --hoggle FILE`."""
    from rich.progress import Progress as Bar

    from preimage.cli.common import clear_errors, console, use_one_thread
    from preimage.paper import hoggle as hoggle_experiment
    from preimage.photo_files import list_images, shipped_photos
    from preimage.reporting.results import check_writable

    with (
        clear_errors(),
        Bar(console=console, transient=True, disable=not console.is_terminal) as bar,
    ):
        use_one_thread("cpu")
        if out.is_dir():
            raise ValueError(f"{out} is a folder: --out names the file to write")
        check_writable(out.parent)
        photos = list(shipped_photos().values()) if images is None else list_images(images)
        task = bar.add_task("batches of patches", total=None)
        begin = time.perf_counter()
        try:
            dictionaries = hoggle_experiment.learn(
                photos, progress=lambda done, total: bar.update(task, completed=done, total=total)
            )
        except KeyboardInterrupt:
            console.print("interrupted: nothing was written")
            raise typer.Exit(130) from None
        seconds = time.perf_counter() - begin
        hoggle_experiment.save(dictionaries, out)
    pairs, atoms = dictionaries.image_atoms.shape[:2]
    typer.echo(
        f"{pairs} pairs of dictionaries of {atoms} atoms, each learned without a part of "
        f"{len(dictionaries.photos)} photos, in {seconds:.0f} s; wrote {out}"
    )


def _print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(*header)
    for row in rows:
        table.add_row(*row)
    Console().print(table)
