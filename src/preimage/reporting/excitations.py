"""Results of activation maximization and caricature, as files, lines and grids."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preimage.reporting.grid import Cell, draw_grid
from preimage.visualizations import PreImage

if TYPE_CHECKING:
    from PIL import Image

_SMALLEST = 112
"""Pictures are enlarged to at least so many pixels in a grid."""


def above_maximum(lines: Sequence[dict[str, Any]]) -> str:
    """How many of the targets got a response above M, in words."""
    best: dict[str, bool] = {}
    for line in lines:
        above = line["response"] > line["maximum"]
        best[line["target"]] = best.get(line["target"], False) or above
    words = f"{sum(best.values())} of {len(best)} live targets above the maximum M"
    return f"{words} over {lines[0]['reference']}"


def enlarge(picture: Image.Image) -> Image.Image:
    """A picture of few pixels times a whole number."""
    factor = -(-_SMALLEST // max(picture.size))
    if factor == 1:
        return picture
    from PIL import Image

    size = (factor * picture.width, factor * picture.height)
    return picture.resize(size, Image.Resampling.NEAREST)


def draw_results(pictures: Sequence[tuple[Image.Image, str]], columns: int) -> Image.Image:
    """Labelled pictures in rows of so many."""
    return draw_rows([pictures[i : i + columns] for i in range(0, len(pictures), columns)])


def draw_rows(rows: Sequence[Sequence[tuple[Image.Image, str]]]) -> Image.Image:
    """Rows of labelled pictures, small ones enlarged."""
    return draw_grid([[Cell(enlarge(picture), label) for picture, label in row] for row in rows])


def film(results: Sequence[PreImage], labels: Sequence[str], columns: int) -> list[Image.Image]:
    """A frame for each snapshot, with all results side by side."""
    frames = []
    for moments in zip(*(result.frames() for result in results), strict=False):
        pictures = [picture for _, several in moments for picture in several]
        frames.append(draw_results(list(zip(pictures, labels, strict=True)), columns))
    return frames


def plain_path(path: Path) -> Path:
    """Where the picture without stretched contrast goes."""
    return path.with_name(f"{path.stem}.plain{path.suffix}")
