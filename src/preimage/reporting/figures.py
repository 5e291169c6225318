"""Figures of panels with vector labels: PDF and PNG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from preimage.paper.figures import Panel
from preimage.studies.loading import Loader
from preimage.studies.outcome import Record
from preimage.studies.trial import Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDEST = 7
_INCHES = 1.6


def write_figure(
    stem: Path, rows: Sequence[Sequence[Panel]], records: Mapping[str, Record], loader: Loader
) -> list[Path]:
    """Draws rows of panels, long ones in several lines; writes STEM.pdf and STEM.png.

    Each photo and result is also written alone, as STEM.LINE.COLUMN.png.

    Args:
        stem: path without a suffix.
        rows: what to show.
        records: what came of the trials, by key.
        loader: where representations come from.
    """
    from matplotlib.figure import Figure
    from PIL import Image

    lines = [line for row in rows for line in _wrapped(row)]
    columns = max(len(line) for line in lines)
    figure = Figure((_INCHES * columns, (_INCHES + 0.35) * len(lines)), layout="constrained")
    grid = figure.subplots(len(lines), columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for v, line in enumerate(lines):
        for u, panel in enumerate(line):
            pixels = _pixels(panel, records, loader)
            if pixels is not None:
                alone = stem.with_name(f"{stem.name}.{v + 1}.{u + 1}.png")
                Image.fromarray(pixels).save(alone)
            _draw(grid[v, u], panel, pixels, records, loader)
    paths = [stem.with_name(f"{stem.name}.{suffix}") for suffix in ("pdf", "png")]
    for path in paths:
        figure.savefig(path, dpi=170)
    return paths


def spread(images: Sequence[np.ndarray]) -> np.ndarray:
    """Standard deviation of each pixel over several images (D, H, W), mean over channels.

    >>> spread([np.zeros((3, 1, 2)), np.full((3, 1, 2), 2.0)]).round(3).tolist()
    [[1.414, 1.414]]
    """
    deviation: np.ndarray = np.std(np.stack(images), axis=0, ddof=1).mean(0)
    return deviation


def _wrapped(row: Sequence[Panel]) -> list[Sequence[Panel]]:
    """A row in lines of nearly equal length, none longer than `_WIDEST`."""
    length = math.ceil(len(row) / math.ceil(len(row) / _WIDEST))
    return [row[start : start + length] for start in range(0, len(row), length)]


def _draw(
    axes: Axes,
    panel: Panel,
    pixels: np.ndarray | None,
    records: Mapping[str, Record],
    loader: Loader,
) -> None:
    found = [records[trial.key] for trial in panel.trials]
    title, measures = panel.label, found[0].measures
    if pixels is not None:
        axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="none")
        if measures is not None and measures.error is not None and not panel.is_photo:
            title += f"\n{100 * measures.error:.1f} %"
            _frame(axes, found[0].trial, loader)
    elif any(record.measures is None for record in found):
        axes.text(0.5, 0.5, found[0].status, ha="center", va="center")
    else:
        images = [np.load(record.image) for record in found if record.image]
        deviation = spread(images)
        axes.imshow(deviation, cmap="magma", vmin=0)
        title += f"\n0 to {deviation.max():.0f}, mean {deviation.mean():.0f}"
    axes.set_title(title, fontsize=7)


def _pixels(panel: Panel, records: Mapping[str, Record], loader: Loader) -> np.ndarray | None:
    """The photo or the one result that a panel shows; None if it shows neither."""
    if panel.is_photo:
        return _photo(panel.trials[0], loader)
    if len(panel.trials) > 1 or records[panel.trials[0].key].measures is None:
        return None
    return _picture(records[panel.trials[0].key])


def _photo(trial: Trial, loader: Loader) -> np.ndarray:
    phi = loader.representation(trial.representation, trial.weights)
    return phi.preprocessing.to_display(phi.preprocessing.load(trial.photo, trial.size))


def _picture(record: Record) -> np.ndarray:
    from PIL import Image

    if record.picture is None:
        raise ValueError(f"{record.trial.key} has no picture")
    with Image.open(record.picture) as picture:
        return np.asarray(picture)


def _frame(axes: Axes, trial: Trial, loader: Loader) -> None:
    """A white box around what the window of responses sees (Figure 9)."""
    phi = loader.representation(trial.representation, trial.weights)
    (bottom, top), (left_edge, right_edge) = axes.get_ylim(), axes.get_xlim()
    size = (round(bottom - top), round(right_edge - left_edge))
    box = trial.mask.box(phi, size)
    if box is None:
        return
    from matplotlib.patches import Rectangle

    box = box.clipped(size)
    style: dict[str, Any] = {"fill": False, "edgecolor": "white", "linewidth": 1.5}
    width, height = box.right - 1 - box.left, box.bottom - 1 - box.top
    axes.add_patch(Rectangle((box.left, box.top), width, height, **style))
