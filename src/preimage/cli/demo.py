"""`preimage demo`: three inversions of a shipped photo, in half a minute."""

from __future__ import annotations

from pathlib import Path

import typer

from preimage.cli.errors import clear_errors
from preimage.cli.options import OutPicture, Threads
from preimage.cli.progress import progress_bar
from preimage.cli.tables import percent, print_table

_SIDE = 64
"""The longer side of the photo that is inverted first, for which everything is compiled."""


def demo(
    out: OutPicture = Path("preimages/demo.png"),
    threads: Threads = None,
) -> None:
    """Invert the HOG, HOGb and DSIFT codes of a shipped photo, as in Figure 4."""
    import time

    import preimage
    from preimage.files import write_whole
    from preimage.grid import Cell, draw_grid
    from preimage.paper.table4 import REPRESENTATIONS
    from preimage.photo_files import shipped_photos
    from preimage.reporting.results import check_picture
    from preimage.visualizations.saving import save_picture

    with clear_errors(), progress_bar() as bar:
        check_picture(out)
        execution = preimage.Execution(threads=threads)
        photo = shipped_photos()["chelsea"]
        rows: list[tuple[str, str, str]] = []
        cells: list[Cell] = []
        for name in REPRESENTATIONS:
            representation = preimage.representation(name)
            bar.start(f"{name}: compiling")
            # So that the time below is that of an inversion alone:
            preimage.invert(representation, photo, size=_SIDE, quality="draft", execution=execution)
            start = time.perf_counter()
            result = preimage.invert(
                representation, photo, execution=execution, progress=bar.for_steps(name)
            )
            seconds = time.perf_counter() - start
            if not cells:
                loaded = representation.preprocessing.load(photo)
                cells.append(Cell(representation.preprocessing.to_pil(loaded), "photo"))
            error = percent(result.describe()["error"])
            cells.append(Cell(result.to_pil(), f"{name}: error {error}"))
            rows.append((name, error, f"{seconds:.1f}"))
            if result.interrupted:
                break
        with write_whole(out) as partial:
            save_picture(draw_grid([cells[:2], cells[2:]]), partial)
    print_table(("representation", "error", "seconds"), rows)
    typer.echo(f"wrote {out}")
    if result.interrupted:
        raise typer.Exit(130)
