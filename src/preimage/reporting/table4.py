"""Table 4 as CSV, as Markdown and as a picture like Figure 4."""

from __future__ import annotations

import csv
import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path

from preimage.images import load_image
from preimage.paper.table4 import REPRESENTATIONS, Measurement, Summary
from preimage.preprocessing import GRAY
from preimage.reporting.grid import Cell, draw_grid

HEADER = ("representation", "method", "error %", "seconds", "PSNR dB", "SSIM")


def format_rows(summaries: Sequence[Summary]) -> list[tuple[str, ...]]:
    """The cells of the table as text, in the order of `HEADER`."""

    def number(value: float | None, digits: int) -> str:
        return "" if value is None else f"{value:.{digits}f}"

    return [
        (
            s.representation,
            f"{s.method} (published)" if s.photos is None else s.method,
            f"{s.error_mean:.1f} ± {s.error_std:.1f}",
            number(s.seconds, 2),
            number(s.psnr, 1),
            number(s.ssim, 2),
        )
        for s in summaries
    ]


def write_table4(
    folder: Path,
    summaries: Sequence[Summary],
    measurements: Sequence[Measurement],
    photos: Sequence[Path],
) -> list[Path]:
    """Writes table4.csv, table4.md and table4.png (of two photos), and returns them."""
    paths = [folder / f"table4.{suffix}" for suffix in ("csv", "md", "png")]
    with paths[0].open("w", newline="") as file:
        writer = csv.DictWriter(file, [f.name for f in dataclasses.fields(Summary)])
        writer.writeheader()
        writer.writerows(dataclasses.asdict(s) for s in summaries)
    lines = [HEADER, tuple("---" for _ in HEADER), *format_rows(summaries)]
    paths[1].write_text("".join("| " + " | ".join(line) + " |\n" for line in lines))
    rows = []
    names = {m.photo for m in measurements}
    measured = [photo for photo in photos if photo.name in names]
    for photo, name in itertools.product(measured[:2], REPRESENTATIONS):
        cells = [
            Cell(GRAY.to_pil(GRAY.to_core(load_image(folder / m.picture))), _caption(m))
            for m in measurements
            if (m.photo, m.representation) == (photo.name, name)
        ]
        if cells:
            size = (cells[0].image.height, cells[0].image.width)
            rows.append([Cell(GRAY.to_pil(GRAY.load(photo, size)), photo.stem), *cells])
    draw_grid(rows).save(paths[2])
    return paths


def _caption(m: Measurement) -> str:
    return f"{m.representation}, {m.method}: {100 * m.error:.1f} %"
