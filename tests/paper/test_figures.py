"""Figures 1, 2 and 5-10: which trials, in which rows."""

from __future__ import annotations

import pytest

from preimage.catalog import network
from preimage.paper.figures import FIGURES, Panel
from preimage.photo_files import shipped_photos
from preimage.studies.loading import Loader

LITE0 = network("efficientnet-lite0", "random")
PHOTOS = [str(shipped_photos()[name]) for name in ("chelsea", "coffee")]


def _rows(name: str, layers: list[str], photos: int = 1) -> list[list[Panel]]:
    names = [f"efficientnet-lite0/{layer}" for layer in layers]
    parts = FIGURES[name].parts(names, PHOTOS[:photos], Loader(), weights="random", steps=1)
    return [row for part in parts for row in FIGURES[name].rows(part)]


@pytest.mark.parametrize("name", FIGURES)
def test_the_layers_of_a_figure_are_layers_of_its_network(name: str) -> None:
    figure = FIGURES[name]
    model = network(figure.model, "random")
    assert figure.layers_of(model) == list(figure.layers)
    assert set(figure.layers) <= set(model.main_layers)


def test_other_networks_show_layers_at_the_same_depths() -> None:
    assert FIGURES["fig1"].layers_of(LITE0) == ["classifier"]
    assert FIGURES["fig2"].layers_of(LITE0) == ["blocks.8"]
    assert FIGURES["fig5"].layers_of(LITE0) == list(LITE0.main_layers)
    assert FIGURES["fig8"].layers_of(LITE0) == ["blocks.8", "blocks.13", "classifier"]


def test_masks_are_only_asked_of_layers_that_have_maps() -> None:
    for name in ("fig9", "fig10"):
        layers = FIGURES[name].layers_of(LITE0)
        assert len(layers) == len(FIGURES[name].layers)
        assert not {"pool", "classifier"} & set(layers)
    assert FIGURES["fig9"].layers_of(LITE0)[-1] == "head"


def test_figure_1_shows_four_seeds_and_then_the_photo() -> None:
    (row,) = _rows("fig1", ["classifier"])
    assert [panel.trials[0].seed for panel in row[:4]] == [0, 1, 2, 3]
    assert [panel.is_photo for panel in row] == [False] * 4 + [True]


def test_figure_2_varies_c_in_one_row_and_beta_in_another() -> None:
    weights, betas = ([p.trials[0].settings for p in row[1:]] for row in _rows("fig2", ["stem"]))
    assert [(s.loss_weight, s.beta) for s in weights] == [(1, 2), (20, 2), (100, 2), (300, 2)]
    assert [(s.loss_weight, s.beta) for s in betas] == [(300, 1), (300, 1.5), (300, 2)]


def test_figure_8_ends_each_row_with_the_differences_of_its_seeds() -> None:
    rows = _rows("fig8", ["stem", "blocks.1"], photos=2)
    assert len(rows) == 4
    for row in rows:
        assert len(row) == 6
        assert row[0].is_photo
        assert row[5].trials == tuple(panel.trials[0] for panel in row[1:5])
        assert len({trial.photo for panel in row for trial in panel.trials}) == 1
        assert len({trial.representation for panel in row for trial in panel.trials}) == 1


def test_figures_9_and_10_invert_parts_of_a_code() -> None:
    ((_, panel),) = _rows("fig9", ["stem"])
    assert panel.trials[0].mask.window == 5
    streams = [row[1].trials[0].mask.stream for row in _rows("fig10", ["stem"])]
    assert streams == [1, 2]
