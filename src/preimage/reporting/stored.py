"""Results of inverting stored vectors: a grid of pictures, errors as CSV, all else as JSON."""

from __future__ import annotations

import csv
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preimage.audit.recognition import Recognition
from preimage.audit.vectors import Vectors
from preimage.files import write_whole
from preimage.reporting.grid import Cell, draw_grid, in_rows
from preimage.versions import versions

if TYPE_CHECKING:
    from PIL import Image

_COLUMNS = 8
_SIDE = 160
"""Longest side of a picture in the grid, in pixels."""


@dataclass(frozen=True, slots=True)
class InvertedRow:
    """A row of a store that was inverted.

    Attributes:
        row: its number in the store, counted from 0.
        error: ||Phi(x*) - Phi_0|| / ||Phi_0|| in the units of the store.
        seconds: the time that it took.
        picture: the result.
        interrupted: whether Ctrl-C ended its inversion.
    """

    row: int
    error: float
    seconds: float
    picture: Image.Image
    interrupted: bool = False

    @property
    def file(self) -> str:
        """The name of the picture's file."""
        return picture_of(self.row)


def picture_of(row: int) -> str:
    """Return the name of the file of a row's picture.

    >>> picture_of(17)
    'row-17.png'
    """
    return f"row-{row}.png"


def load_row(folder: Path, row: int, expected: Mapping[str, Any]) -> InvertedRow | None:
    """Return a row that an earlier run has finished; None if there is none, or of something else.

    Args:
        folder: the folder of the pictures with their sidecars.
        row: the number of the row.
        expected: entries of the sidecar that must be there.
    """
    from PIL import Image

    path = folder / picture_of(row)
    try:
        sidecar = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        with Image.open(path) as picture:
            picture.load()
    except (OSError, ValueError):
        return None
    wanted = json.loads(json.dumps(dict(expected)))
    if sidecar.get("interrupted") or any(sidecar.get(key) != wanted[key] for key in wanted):
        return None
    return InvertedRow(row, sidecar["error"], sidecar["seconds"], picture)


def write_stored(
    folder: Path,
    vectors: Vectors,
    recognition: Recognition,
    rows: Sequence[InvertedRow],
    more: Mapping[str, Any],
) -> list[Path]:
    """Write grid.png, errors.csv and audit.json; return their paths.

    `more` holds further entries of the JSON file.
    """
    grid, table, described = (folder / name for name in ("grid.png", "errors.csv", "audit.json"))
    cells = [Cell(_small(row.picture), f"row {row.row}, {row.error:.1%}") for row in rows]
    with write_whole(grid) as partial:
        draw_grid(in_rows(cells, _COLUMNS), font_size=12).save(partial)
    with write_whole(table) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        lines = [[row.row, row.error, round(row.seconds, 3), row.file] for row in rows]
        csv.writer(file).writerows([["row", "error", "seconds", "picture"], *lines])
    errors = [row.error for row in rows]
    contents = {
        **more,
        "rows": len(rows),
        "total": vectors.total,
        "skipped": dict(vectors.skipped),
        "recognized": recognition.describe(),
        "error": {"mean": statistics.fmean(errors), "median": statistics.median(errors)},
        "versions": versions(),
    }
    with write_whole(described) as partial:
        partial.write_text(json.dumps(contents, indent=2) + "\n", encoding="utf-8")
    return [grid, table, described]


def _small(picture: Image.Image) -> Image.Image:
    small = picture.copy()
    small.thumbnail((_SIDE, _SIDE))
    return small
