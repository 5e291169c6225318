"""Figures: which trials, in which rows."""

from __future__ import annotations

from typing import Any

import pytest

from preimage.catalog import network
from preimage.paper.figures import FIGURES, SCORES, Panel
from preimage.photo_files import shipped_photos
from preimage.studies.loader import Loader

LITE0 = network("efficientnet-lite0", weights="random")
PHOTOS = [str(shipped_photos()[name]) for name in ("chelsea", "coffee")]


def _rows(name: str, layers: list[str], **keys: Any) -> list[list[Panel]]:
    """The rows of a figure for layers of an untrained network."""
    figure = FIGURES[name]
    keys |= {"representations": [f"efficientnet-lite0/{layer}" for layer in layers]}
    if figure.visualization != "maximize":
        keys.setdefault("images", PHOTOS[:1])
    parts = figure.parts(name, Loader(), weights="random", steps=1, **keys)
    return [row for part in parts for row in figure.rows(part)]


@pytest.mark.parametrize("name", FIGURES)
def test_the_layers_of_a_figure_are_layers_of_its_networks(name: str) -> None:
    for network_name, layers in FIGURES[name].networks.items():
        model = network(network_name, weights="random")
        expected = [model.score_layer] if layers == SCORES else list(layers)
        assert FIGURES[name].layers_of(model) == expected
        assert set(expected) <= set(model.main_layers)


def test_other_networks_show_layers_at_the_same_depths() -> None:
    assert FIGURES["fig1"].layers_of(LITE0) == ["classifier"]
    assert FIGURES["fig2"].layers_of(LITE0) == ["blocks.8"]
    assert FIGURES["fig5"].layers_of(LITE0) == list(LITE0.main_layers)
    assert FIGURES["fig8"].layers_of(LITE0) == ["blocks.8", "blocks.13", "classifier"]


def test_masks_are_only_asked_of_layers_that_have_maps() -> None:
    for name in ("fig9", "fig10"):
        layers = FIGURES[name].layers_of(LITE0)
        assert len(layers) == len(FIGURES[name].networks["caffenet"])
        assert not {"pool", "classifier"} & set(layers)
    assert FIGURES["fig9"].layers_of(LITE0)[-1] == "head"


def test_figure_1_shows_four_seeds_and_then_the_photo() -> None:
    (row,) = _rows("fig1", ["classifier"])
    assert [panel.trials[0].seed for panel in row[:4]] == [0, 1, 2, 3]
    assert [panel.is_photo for panel in row] == [False] * 4 + [True]


def test_figure_2_varies_c_in_one_row_and_beta_in_another() -> None:
    weights, betas = ([p.trials[0] for p in row[1:]] for row in _rows("fig2", ["stem"]))
    found = [[(t.weight, t.constants["beta"]) for t in row] for row in (weights, betas)]
    assert found[0] == [(1, 2), (20, 2), (100, 2), (300, 2)]
    assert found[1] == [(300, 1), (300, 1.5), (300, 2)]


def test_figure_8_ends_each_row_with_the_differences_of_its_seeds() -> None:
    rows = _rows("fig8", ["stem", "blocks.1"], images=PHOTOS)
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


def test_figure_3_has_a_row_for_each_jitter_with_an_image_for_each_seed() -> None:
    rows = _rows("fig3", ["classifier"], classes=["goose"], seeds=[0, 1])
    trials = [[panel.trials[0] for panel in row] for row in rows]
    jitters = [(t[0].constants["jitter"], t[0].constants["jitter_scale"]) for t in trials]
    assert jitters == [(1, 1), (None, 1), (None, 4)]
    assert [[trial.seed for trial in row] for row in trials] == [[0, 1]] * 3
    words = ["no jitter", "jitter of 0.25 stride", "jitter of 1 stride"]
    assert [row[0].label for row in rows] == [f"goose, {jitter}" for jitter in words]


def test_figures_11_and_12_have_a_trial_for_each_filter_and_a_row_for_each_layer() -> None:
    for name in ("fig11", "fig12"):
        rows = _rows(name, ["stem", "blocks.1"], channels="0-2")
        labels = [[panel.label for panel in row] for row in rows]
        assert labels == [[f"{layer}: {n}" for n in range(3)] for layer in ("stem", "blocks.1")]
        assert rows[0][0].trials[0].weight == 1


def test_figure_13_has_a_row_for_each_network() -> None:
    (row,) = _rows("fig13", ["classifier"])
    assert [panel.label.split(": ")[1] for panel in row] == [
        "tree frog", "black swan", "goose", "cheeseburger",
    ]  # fmt: skip


def test_figures_14_and_15_show_photos_before_their_caricatures() -> None:
    rows = _rows("fig15", ["stem", "blocks.1"], images=PHOTOS)
    assert [[panel.is_photo for panel in row] for row in rows] == [[True, False, False]] * 2
    assert {panel.trials[0].visualization for row in rows for panel in row} == {"caricature"}
    assert rows[0][1].trials[0].weight == 10
    assert rows[0][1].label == "efficientnet-lite0/stem"
