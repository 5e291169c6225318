"""Results of a search for an attacker's photos: a table as CSV, a summary as JSON and in words."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from preimage.audit.candidates import Matches
from preimage.files import write_whole

_SHOWN = 8
"""The largest number of photos that the summary names."""

_FEW_COPIES = 0.9
"""The share of copies below which a photo that is not found may well be in the store."""


def write_candidates(folder: Path, photos: Sequence[Path], matches: Matches) -> Path:
    """Write candidates.csv, a line for each photo, and return its path."""
    path = folder / "candidates.csv"
    rows = zip(photos, matches.found, matches.rows, matches.angles, strict=True)
    lines = [[p, int(found), int(row), round(float(angle), 3)] for p, found, row, angle in rows]
    with write_whole(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["photo", "found", "row", "angle"], *lines])
    return path


def describe_candidates(photos: Sequence[Path], matches: Matches) -> dict[str, Any]:
    """Return a summary as plain data, for JSON, with the photos that were found."""
    threshold = matches.threshold
    found = [
        {"photo": str(photos[n]), "row": int(matches.rows[n]), "angle": float(matches.angles[n])}
        for n in matches.found.nonzero().flatten().tolist()
    ]
    return {
        "photos": len(photos),
        "found": found,
        "threshold": threshold.angle,
        "false_rate": threshold.false_rate,
        "copies": None if math.isnan(threshold.copies) else threshold.copies,
    }


def candidates_in_words(photos: Sequence[Path], matches: Matches) -> list[str]:
    """Return the summary as lines of text."""
    threshold = matches.threshold
    found = matches.found.nonzero().flatten().tolist()
    words = (
        f"{len(found)} of {len(photos)} candidates are in the store: nearer than "
        f"{threshold.angle:.1f} degrees, which at most {threshold.false_rate:.1%} of other photos "
        "are"
    )
    if not math.isnan(threshold.copies):
        words += f" and {threshold.copies:.0%} of copies, resized or compressed again"
    lines = [
        f"  {photos[n].name}  row {int(matches.rows[n])}  {float(matches.angles[n]):.1f} degrees"
        for n in found[:_SHOWN]
    ]
    if threshold.copies < _FEW_COPIES and len(found) < len(photos):
        lines.append(
            "  a candidate that is not found may be in the store all the same: few copies are so "
            "near; other photos, like those in the store, make the search sharper: --reference"
        )
    if len(found) > _SHOWN:
        lines.append(f"  and {len(found) - _SHOWN} more, in candidates.csv")
    return [words, *lines]
