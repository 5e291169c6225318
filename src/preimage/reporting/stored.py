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
from preimage.grid import Cell, draw_grid, in_rows

if TYPE_CHECKING:
    from PIL import Image

_COLUMNS = 8
_SIDE = 160
"""Longest side of a picture in the grid, in pixels."""

_LONGEST_LABEL = 24

_MEASURES = ("measure", "judge", "value", "low", "high", "chance", "luck", "photos")


def write_rows(
    folder: Path, rows: Mapping[str, Sequence[Reconstruction]], labels: Mapping[str, str]
) -> list[Path]:
    """Write grid.png and errors.csv of what each attack made of stored vectors; return paths.

    `labels` are the names of rows in their store, such as ids or paths, if there are any.
    """
    grid, table = folder / "grid.png", folder / "errors.csv"
    found = [(attack, row) for attack, made in rows.items() for row in made]
    cells = [
        Cell(small(row.picture), f"{shorten(labels.get(row.name) or row.name)}, {row.error:.1%}")
        for _, row in found
    ]
    with write_whole(grid) as partial:
        draw_grid(in_rows(cells, _COLUMNS), font_size=12).save(partial)
    lines = [
        [row.name, labels.get(row.name, ""), attack, row.error, round(row.seconds, 3), row.file]
        for attack, row in found
    ]
    _write_csv(table, [["row", "label", "attack", "error", "seconds", "picture"], *lines])
    return [grid, table]


def write_photos(
    folder: Path,
    photos: Sequence[Image.Image],
    names: Sequence[str],
    made: Mapping[str, Sequence[Reconstruction]],
) -> list[Path]:
    """Write photos.png, each photo above what attacks made of its code; return its path."""
    rows = [[Cell(small(photo), shorten(name)) for photo, name in zip(photos, names, strict=True)]]
    for attack, found in made.items():
        rows.append([Cell(small(one.picture), f"{attack}, {one.error:.1%}") for one in found])
    starts = range(0, len(photos), _COLUMNS)
    parts = [row[start : start + _COLUMNS] for start in starts for row in rows]
    grid = folder / "photos.png"
    with write_whole(grid) as partial:
        draw_grid(list(filter(None, parts)), font_size=12).save(partial)
    return [grid]


def write_result(folder: Path, audit: Audit) -> list[Path]:
    """Write the numbers of an audit as CSV, and all of it as JSON; return the paths."""
    measures, photos, inputs, described = (
        folder / name for name in ("measures.csv", "photos.csv", "inputs.csv", "audit.json")
    )
    found = [(layer, attack) for layer in audit.layers for attack in layer.attacks]
    lines = [
        [layer.representation, attack.attack, *(getattr(one, name) for name in _MEASURES)]
        for layer, attack in found
        for one in attack.estimates
    ]
    _write_csv(measures, [["representation", "attack", *_MEASURES], *lines])
    errors = [
        [layer.representation, attack.attack, photo.name, error, file]
        for layer, attack in found
        for photo, error, file in zip(layer.photos, attack.errors, attack.files, strict=True)
    ]
    _write_csv(photos, [["representation", "attack", "photo", "error", "picture"], *errors])
    _write_csv(inputs, [["input", "name", "sha256"], *_list_inputs(audit)])
    with write_whole(described) as partial:
        partial.write_text(json.dumps(audit.describe(), indent=2) + "\n", encoding="utf-8")
    return [measures, photos, inputs, described]


def _list_inputs(audit: Audit) -> list[list[str]]:
    """Return the files that went into an audit, with their checksums."""
    about, photos = audit.about, [photo for layer in audit.layers for photo in layer.photos]
    files = [("vectors", about.get("input"), about.get("input_sha256"))]
    files.append(("weights", about.get("weights"), about.get("weights_sha256")))
    files += dict.fromkeys(("photo", photo.name, photo.sha256) for photo in photos)
    return [[kind, name or "", checksum] for kind, name, checksum in files if checksum]


def describe_store(
    vectors: Vectors, recognition: Recognition, rows: Mapping[str, Sequence[Reconstruction]]
) -> dict[str, Any]:
    """Return what is known of a store as plain data: rows, transformations, errors by attack."""
    errors = {attack: [row.error for row in made] for attack, made in rows.items()}
    return {
        "rows": len(vectors.rows),
        "total": vectors.total,
        "skipped": dict(vectors.skipped),
        "looked_at": vectors.looked_at,
        "labels": {f"row-{row}": label for row, label in vectors.labels.items()},
        "recognized": recognition.describe(),
        "errors": {
            attack: {"mean": statistics.fmean(found), "median": statistics.median(found)}
            for attack, found in errors.items()
        },
        "reconstructions": {
            attack: [{"name": row.name, "error": row.error, "file": row.file} for row in made]
            for attack, made in rows.items()
        },
    }


def shorten(label: str) -> str:
    """Return a label as it fits below a small picture: its beginning and its end.

    >>> shorten("sunset_by_the_sea_2024/IMG_0001.jpg")
    'sunset_by_t…IMG_0001.jpg'
    """
    half = _LONGEST_LABEL // 2
    return label if len(label) <= _LONGEST_LABEL else f"{label[: half - 1]}…{label[-half:]}"


def small(picture: Image.Image) -> Image.Image:
    """Return a copy of a picture whose longest side is that of a grid."""
    copy = picture.copy()
    copy.thumbnail((_SIDE, _SIDE))
    return copy


def _write_csv(path: Path, lines: Iterable[Sequence[object]]) -> None:
    with write_whole(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(lines)
