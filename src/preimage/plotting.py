"""The figure of a result: its pictures above curves; imports matplotlib (extra `notebook`)."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from PIL import Image

_WIDTH, _CURVES = 9.0, 3.0
"""Width of the figure and height of its curves, in inches."""
_MOST_LABELS = 6

Curves = Mapping[str, tuple[Sequence[float], Sequence[float]]]
"""Positions and values by the label of each curve."""


class ShownFigure(Figure):
    """A figure that a notebook shows, whatever the backend of matplotlib is."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()


def draw_figure(pictures: Image.Image, energies: Curves, errors: Curves) -> ShownFigure:
    """Draw pictures above the energy over steps and, unless it is empty, the error over C."""
    height = _WIDTH * pictures.height / pictures.width
    figure = ShownFigure(figsize=(_WIDTH, height + _CURVES), layout="constrained")
    parts = figure.subfigures(2, 1, squeeze=False, height_ratios=(height, _CURVES))
    above, below = parts[:, 0]
    shown = above.subplots()
    shown.imshow(np.asarray(pictures))
    shown.axis("off")
    energy, *others = np.atleast_1d(below.subplots(1, 2 if errors else 1))
    _plot(energy, energies, "", "step", "energy")
    if all(value > 0 for _, values in energies.values() for value in values):
        energy.set_yscale("log")
    for error in others:
        _plot(error, errors, "o-", "C", "error (%)")
        error.set_xscale("symlog", linthresh=1)
        error.set_ylim(bottom=0)
    return figure


def _plot(axes: Axes, curves: Curves, style: str, horizontal: str, vertical: str) -> None:
    """Plot curves, with a legend if they are few enough for one."""
    for label, (positions, values) in curves.items():
        axes.plot(positions, values, style, label=label)
    axes.set_xlabel(horizontal)
    axes.set_ylabel(vertical)
    if 1 < len(curves) <= _MOST_LABELS:
        axes.legend(fontsize="x-small")
