"""Files of an audit of stored vectors: pictures side by side, tables as CSV, all else as JSON."""

from __future__ import annotations

import csv
import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preimage.audit.recognition import Recognition
from preimage.audit.reconstructions import Reconstruction
from preimage.audit.result import Audit
from preimage.audit.vectors import Vectors
from preimage.files import write_whole
from preimage.reporting.grid import Cell, draw_grid, in_rows

if TYPE_CHECKING:
    from PIL import Image

_COLUMNS = 8
_SIDE = 160
"""Longest side of a picture in the grid, in pixels."""

_MEASURES = ("measure", "judge", "value", "low", "high", "chance", "luck", "photos")


def write_rows(folder: Path, rows: Mapping[str, Sequence[Reconstruction]]) -> list[Path]:
    """Write grid.png and errors.csv of what each attack made of stored vectors; return paths."""
    grid, table = folder / "grid.png", folder / "errors.csv"
    found = [(attack, row) for attack, made in rows.items() for row in made]
    cells = [Cell(small(row.picture), f"{row.name}, {row.error:.1%}") for _, row in found]
    with write_whole(grid) as partial:
        draw_grid(in_rows(cells, _COLUMNS), font_size=12).save(partial)
    lines = [
        [row.name, attack, row.error, round(row.seconds, 3), row.file] for attack, row in found
    ]
    _write_csv(table, [["row", "attack", "error", "seconds", "picture"], *lines])
    return [grid, table]


def write_photos(
    folder: Path, photos: Sequence[Image.Image], made: Mapping[str, Sequence[Reconstruction]]
) -> list[Path]:
    """Write photos.png, each photo above what attacks made of its code; return its path."""
    rows = [[Cell(small(photo), f"photo {n}") for n, photo in enumerate(photos, 1)]]
    for attack, found in made.items():
        rows.append([Cell(small(one.picture), f"{attack}, {one.error:.1%}") for one in found])
    starts = range(0, len(photos), _COLUMNS)
    parts = [row[start : start + _COLUMNS] for start in starts for row in rows]
    grid = folder / "photos.png"
    with write_whole(grid) as partial:
        draw_grid(list(filter(None, parts)), font_size=12).save(partial)
    return [grid]


def write_result(folder: Path, audit: Audit) -> list[Path]:
    """Write measures.csv and audit.json; return their paths."""
    table, described = folder / "measures.csv", folder / "audit.json"
    lines = [
        [layer.representation, attack.attack, *(getattr(one, name) for name in _MEASURES)]
        for layer in audit.layers
        for attack in layer.attacks
        for one in attack.estimates
    ]
    _write_csv(table, [["representation", "attack", *_MEASURES], *lines])
    with write_whole(described) as partial:
        partial.write_text(json.dumps(audit.describe(), indent=2) + "\n", encoding="utf-8")
    return [table, described]


def describe_store(
    vectors: Vectors, recognition: Recognition, rows: Mapping[str, Sequence[Reconstruction]]
) -> dict[str, Any]:
    """Return what is known of a store as plain data: rows, transformations, errors by attack."""
    errors = {attack: [row.error for row in made] for attack, made in rows.items()}
    return {
        "rows": len(vectors.rows),
        "total": vectors.total,
        "skipped": dict(vectors.skipped),
        "recognized": recognition.describe(),
        "errors": {
            attack: {"mean": statistics.fmean(found), "median": statistics.median(found)}
            for attack, found in errors.items()
        },
    }


def small(picture: Image.Image) -> Image.Image:
    """Return a copy of a picture whose longest side is that of a grid."""
    copy = picture.copy()
    copy.thumbnail((_SIDE, _SIDE))
    return copy


def _write_csv(path: Path, lines: Iterable[Sequence[object]]) -> None:
    with write_whole(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(lines)
