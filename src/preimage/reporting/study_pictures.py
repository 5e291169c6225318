"""The pictures of a study side by side, one file for each representation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from preimage.files import file_name, write_whole
from preimage.grid import Cell, draw_grid, in_rows
from preimage.loss_weight import format_weight
from preimage.studies.outcome import Record
from preimage.visualizations.saving import save_picture

if TYPE_CHECKING:
    from PIL import Image

_LARGEST = 160
"""Longest side of a picture in pixels; larger ones are reduced."""
_MOST = 400
"""Largest number of pictures in a file."""


def write_pictures(stem: Path, records: Sequence[Record]) -> list[Path]:
    """Write STEM.REPRESENTATION.png with all results of each representation, in order.

    If the file of a photo still exists, the photo stands before its first result. After 400
    pictures, the rest follow in STEM.REPRESENTATION.2.png and so on.

    Args:
        stem: path without a suffix.
        records: the trials of a study.
    """
    found: dict[str, list[Record]] = {}
    for record in records:
        if record.picture is not None:
            found.setdefault(record.trial.representation, []).append(record)
    paths = []
    for name, several in found.items():
        for number, sheet in enumerate(_sheets(_cells(several)), 1):
            suffix = f".{number}.png" if number > 1 else ".png"
            paths.append(stem.with_name(f"{stem.name}.{file_name(name)}{suffix}"))
            with write_whole(paths[-1]) as partial:
                save_picture(draw_grid(in_rows(sheet, math.ceil(math.sqrt(len(sheet))))), partial)
    return paths


def _sheets(cells: Iterator[Cell]) -> Iterator[list[Cell]]:
    """Yield the cells of one file after another."""
    while sheet := list(islice(cells, _MOST)):
        yield sheet


def _cells(records: Sequence[Record]) -> Iterator[Cell]:
    """Yield the pictures of results of a representation, each read when it is drawn."""
    shown: set[str] = set()
    for record in records:
        if record.picture is not None:
            result, photo = _reduced(record.picture), record.trial.photo
            is_new = photo and photo not in shown and Path(photo).is_file()
            if photo and is_new and Path(photo).suffix != ".npy":
                yield Cell(_photo(Path(photo), result.size), Path(photo).stem)
                shown.add(photo)
            yield Cell(result, _label(record))


def _reduced(path: Path) -> Image.Image:
    """Return a picture at its size in the grid."""
    from PIL import Image

    with Image.open(path) as picture:
        picture.load()
    picture.thumbnail((_LARGEST, _LARGEST), Image.Resampling.LANCZOS)
    return picture


def _photo(path: Path, size: tuple[int, int]) -> Image.Image:
    """Return the middle of a photo, as large as its reconstruction."""
    from PIL import Image, ImageOps

    with Image.open(path) as photo:
        return ImageOps.fit(ImageOps.exif_transpose(photo).convert("RGB"), size)


def _label(record: Record) -> str:
    """Return the subject of a trial, and its error or response."""
    trial, measures = record.trial, record.measures
    words = [Path(trial.subject).stem if trial.photo else trial.subject]
    if measures is not None and measures.error is not None:
        weight = "HOGgle" if trial.weight is None else f"C {format_weight(trial.weight)}"
        words.append(f"{weight}, error {100 * measures.error:.0f} %")
    elif measures is not None and measures.response is not None:
        unit = "M" if trial.maximum is not None else "times"
        words.append(f"{measures.response / (trial.maximum or 1):.1f} {unit}")
    return ": ".join(words)
