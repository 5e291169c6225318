"""Plots of errors with their standard deviations, and saving of figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from preimage.files import write_whole
from preimage.studies.summary import Mean

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_errors(
    stem: Path, series: Mapping[str, Sequence[tuple[float | str, Mean]]], axis: str
) -> list[Path]:
    """Plot mean errors with their standard deviations, and write STEM.pdf and STEM.png.

    `series` maps the label of each curve to its points: C or the name of a layer, and the mean.
    `axis` is the label of the horizontal axis.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5 + 0.2 * len(series)), layout="constrained")
    axes = figure.subplots()
    for label, points in series.items():
        places = [place for place, _ in points]
        errors = [100 * mean.error for _, mean in points]
        deviations = [100 * (mean.error_std or 0) for _, mean in points]
        axes.errorbar(places, errors, deviations, label=label, marker="o", capsize=3)
    if any(isinstance(place, str) for points in series.values() for place, _ in points):
        axes.tick_params("x", rotation=60)
    else:
        axes.set_xscale("symlog", linthresh=1)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(axis)
    axes.set_ylabel("reconstruction error (%)")
    figure.legend(loc="outside lower center", fontsize="small")
    return save_plot(figure, stem, dpi=150)


def save_plot(
    figure: Figure, stem: Path, dpi: int, kinds: Sequence[str] = ("pdf", "png")
) -> list[Path]:
    """Write a file of each kind, STEM.pdf and STEM.png by default, and return their paths."""
    paths = [stem.with_name(f"{stem.name}.{kind}") for kind in kinds]
    for path in paths:
        with write_whole(path) as partial:
            figure.savefig(partial, dpi=dpi)
    return paths
