"""Plots of errors: a curve for each series, over C or over layers."""

from __future__ import annotations

from pathlib import Path

import matplotlib.figure
import numpy as np
import pytest
from tests.support import pixels_of

from preimage.reporting.plots import plot_errors
from preimage.studies.summary import Mean


def _mean(error: float, deviation: float | None) -> Mean:
    return Mean("hog", 1.0, (), error, deviation, None, None, None, None, 0.1, 2)


@pytest.mark.parametrize(("places", "axis", "scale"), [
    ((0.0, 1.0, 300.0), "C", "symlog"), (("stem", "blocks.1", "head"), "layer", "linear"),
])  # fmt: skip
def test_a_curve_has_a_point_for_each_mean(
    places: tuple[float | str, ...], axis: str, scale: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    drawn: list[matplotlib.figure.Figure] = []
    save = matplotlib.figure.Figure.savefig

    def watched(figure: matplotlib.figure.Figure, *args: object, **options: object) -> None:
        drawn.append(figure)
        save(figure, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", watched)
    means = [_mean(0.5, 0.1), _mean(0.25, None), _mean(0.1, 0.05)]
    paths = plot_errors(tmp_path / "plot", {"a": list(zip(places, means, strict=True))}, axis)
    assert [path.name for path in paths] == ["plot.pdf", "plot.png"]
    assert paths[0].read_bytes().startswith(b"%PDF")
    assert pixels_of(paths[1]).std() > 0
    (axes,) = drawn[0].axes
    assert np.asarray(axes.lines[0].get_ydata()).tolist() == [50, 25, 10]
    assert (axes.get_xlabel(), axes.get_xscale()) == (axis, scale)
