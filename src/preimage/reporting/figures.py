"""Figures of panels with vector labels: PDF and PNG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from preimage.decoding import ImageError
from preimage.files import write_whole
from preimage.paper.figures import Panel
from preimage.reporting.plots import save_plot
from preimage.studies.loader import Loader
from preimage.studies.outcome import Record
from preimage.studies.trial import Trial
from preimage.visualizations.saving import save_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDEST = 7
_INCHES = 1.6


def write_figure(
    stem: Path, rows: Sequence[Sequence[Panel]], records: Mapping[str, Record], loader: Loader
) -> list[Path]:
    """Draw rows of panels, long rows in several lines, and write STEM.pdf and STEM.png.

    Each photo and result is also written alone, as STEM.LINE.COLUMN.png. `records` maps the keys
    of trials to their records.
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
            found = [records[trial.key] for trial in panel.trials]
            pixels = _pixels(panel, found[0], loader)
            if pixels is not None:
                with write_whole(stem.with_name(f"{stem.name}.{v + 1}.{u + 1}.png")) as partial:
                    save_picture(Image.fromarray(pixels), partial)
            _draw(grid[v, u], panel, pixels, found, loader)
    return save_plot(figure, stem, dpi=170)


def spread(images: Sequence[np.ndarray]) -> np.ndarray:
    """Return each pixel's standard deviation over images (D, H, W), averaged over channels.

    >>> spread([np.zeros((3, 1, 2)), np.full((3, 1, 2), 2.0)]).round(3).tolist()
    [[1.414, 1.414]]
    """
    return np.std(np.stack(images), axis=0, ddof=1).mean(0)


def _wrapped(row: Sequence[Panel]) -> list[Sequence[Panel]]:
    """Return a row in lines of nearly equal length, none longer than `_WIDEST`."""
    length = math.ceil(len(row) / math.ceil(len(row) / _WIDEST))
    return [row[start : start + length] for start in range(0, len(row), length)]


def _draw(
    axes: Axes, panel: Panel, pixels: np.ndarray | None, found: Sequence[Record], loader: Loader
) -> None:
    """Draw one panel: its pixels, the deviation of results, or the status of a missing result."""
    title = panel.label
    if pixels is not None:
        axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="none")
        if not panel.is_photo:
            title += f"\n{_number(found[0])}{_weight(panel, found[0].trial)}"
            _frame(axes, found[0].trial, loader)
    elif panel.is_photo or any(record.image is None for record in found):
        axes.text(0.5, 0.5, found[0].status, ha="center", va="center")
    else:
        deviation = spread([np.load(record.image) for record in found if record.image])
        axes.imshow(deviation, cmap="magma", vmin=0)
        title += f"\n0 to {deviation.max():.0f}, mean {deviation.mean():.0f}"
    axes.set_title(title, fontsize=7)


def _number(record: Record) -> str:
    """Return the error of a result, or its response, as text."""
    measures = record.measures
    if measures is None:
        return record.status
    if measures.error is not None:
        return f"{100 * measures.error:.1f} %"
    response, maximum = measures.response or 0, record.trial.maximum
    return f"x {response:.2f}" if maximum is None else f"{response / maximum:.1f} x M"


def _weight(panel: Panel, trial: Trial) -> str:
    """Return C of an inversion, which differs by layer; nothing if the panel's label has it."""
    weight = trial.constants.get("loss_weight")
    if trial.visualization != "invert" or weight is None or "C = " in panel.label:
        return ""
    return f", C = {weight:g}"


def _pixels(panel: Panel, record: Record, loader: Loader) -> np.ndarray | None:
    """Return the photo as Phi gets it, or the only result; None if neither can be shown."""
    if panel.is_photo:
        trial = record.trial
        preprocessing = loader.representation(trial.representation, trial.weights).preprocessing
        try:
            return preprocessing.to_display(preprocessing.load(trial.photo or "", trial.size))
        except ImageError:
            return None
    if len(panel.trials) > 1 or record.picture is None:
        return None
    from PIL import Image

    with Image.open(record.picture) as picture:
        return np.asarray(picture)


def _frame(axes: Axes, trial: Trial, loader: Loader) -> None:
    """Draw a white box around the pixels that the window of responses sees (Figure 9)."""
    phi = loader.representation(trial.representation, trial.weights)
    (bottom, top), (left_edge, right_edge) = axes.get_ylim(), axes.get_xlim()
    size = (round(bottom - top), round(right_edge - left_edge))
    box = trial.mask.box(phi, size)
    if box is None:
        return
    from matplotlib.patches import Rectangle

    box = box.clipped(size)
    corner, width, height = (box.left, box.top), box.right - 1 - box.left, box.bottom - 1 - box.top
    axes.add_patch(Rectangle(corner, width, height, fill=False, edgecolor="white", linewidth=1.5))
