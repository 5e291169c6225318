"""Figures of results."""

from __future__ import annotations

import io

import pytest
from PIL import Image

PICTURE = Image.new("RGB", (30, 20))


def test_a_figure_shows_itself_and_labels_a_few_curves() -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is missing")
    from preimage.plotting import draw_figure

    for count, labelled in ((1, False), (2, True), (9, False)):
        energies = {f"run {n}": ([1.0, 2.0], [5.0, 2.0 + n]) for n in range(count)}
        figure = draw_figure(PICTURE, energies, {})
        energy = figure.axes[1]
        assert (energy.get_legend() is not None) is labelled
        assert energy.get_yscale() == "log"
    assert Image.open(io.BytesIO(figure._repr_png_())).width > 300


def test_energies_below_zero_have_a_linear_axis() -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is missing")
    from preimage.plotting import draw_figure

    figure = draw_figure(PICTURE, {"run": ([1.0, 2.0], [1.0, -1.0])}, {})
    assert figure.axes[1].get_yscale() == "linear"
