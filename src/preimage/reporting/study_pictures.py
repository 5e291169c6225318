"""All pictures of a study side by side, a file for each representation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from preimage.reporting.excitations import draw_results
from preimage.studies.outcome import Record

if TYPE_CHECKING:
    from PIL import Image

_LARGEST = 160
"""Pictures are reduced to at most so many pixels."""


def write_pictures(stem: Path, records: Sequence[Record]) -> list[Path]:
    """Writes STEM.REPRESENTATION.png with every result that is done, in order.

    Where they are of photos, each photo that is still there stands before its first result.

    Args:
        stem: path without a suffix.
        records: the trials of a study.
    """
    pictures: dict[str, list[tuple[Image.Image, str]]] = {}
    shown: set[tuple[str, str]] = set()
    for record in records:
        if record.picture is None:
            continue
        name, photo = record.trial.representation, record.trial.photo
        several = pictures.setdefault(name, [])
        result = _reduced(record.picture)
        if photo and (name, photo) not in shown and Path(photo).is_file():
            several.append((_photo(Path(photo), result.size), Path(photo).stem))
        shown.add((name, photo))
        several.append((result, _label(record)))
    paths = []
    for name, several in pictures.items():
        safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
        paths.append(stem.with_name(f"{stem.name}.{safe}.png"))
        draw_results(several, math.ceil(math.sqrt(len(several)))).save(paths[-1])
    return paths


def _reduced(path: Path) -> Image.Image:
    from PIL import Image

    with Image.open(path) as picture:
        picture.load()
    picture.thumbnail((_LARGEST, _LARGEST), Image.Resampling.LANCZOS)
    return picture


def _photo(path: Path, size: tuple[int, int]) -> Image.Image:
    """The middle of a photo, as large as its reconstruction."""
    from PIL import Image, ImageOps

    with Image.open(path) as photo:
        return ImageOps.fit(ImageOps.exif_transpose(photo).convert("RGB"), size)


def _label(record: Record) -> str:
    trial, measures = record.trial, record.measures
    words = [Path(trial.subject).stem if trial.photo else trial.subject]
    if measures is not None and measures.error is not None:
        words.append(f"C {trial.weight:g}, {100 * measures.error:.0f} %")
    elif measures is not None and measures.response is not None:
        unit = "M" if trial.maximum is not None else "times"
        words.append(f"{measures.response / (trial.maximum or 1):.1f} {unit}")
    return ": ".join(words)
