"""Table 5: the published figures, and the trials."""

from __future__ import annotations

import itertools

import pytest
import torch

from preimage.catalog import network
from preimage.paper.table5 import (
    LOSS_WEIGHTS,
    NO_RANGE_PRIOR,
    NO_VARIATION_PRIOR,
    published,
    studies,
)
from preimage.photo_files import shipped_photos
from preimage.presets import NNPREIMAGE
from preimage.studies.expansion import expand
from preimage.studies.loader import Loader
from preimage.visualizations import invert


def test_the_published_table_is_whole() -> None:
    table = published()
    layers = network("alexnet", weights="random").main_layers[:-1]
    assert sorted(table) == sorted(itertools.product(layers, LOSS_WEIGHTS))
    assert all(0 < deviation < mean < 100 for mean, deviation in table.values())


def test_the_published_figures_are_those_of_the_paper() -> None:
    table = published()
    for layer, weight, figures in (
        ("conv1", 1, (69.5, 10.3)), ("norm1", 20, (32.6, 6.1)), ("conv4", 100, (11.6, 2.7)),
        ("pool5", 300, (17.5, 5.6)), ("fc8", 1, (13.6, 2.9)), ("fc8", 300, (9.0, 2.0)),
    ):  # fmt: skip
        assert table[layer, weight] == figures


def test_a_wrong_constant_is_told_in_one_line() -> None:
    with pytest.raises(ValueError, match=r"^loss_weight\[1\] must be a finite number, not inf$"):
        studies(["hog"], None, loss_weight=[1, float("inf")])


def test_the_ablation_repeats_every_trial_without_each_prior_and_once_without_both() -> None:
    for ablation, expected in ((False, [4]), (True, [4, 4, 4, 1])):
        plans = studies(["hog"], None, ablation=ablation, steps=1)
        trials = [expand(plan, Loader()) for plan in plans]
        assert [len(several) / 9 for several in trials] == expected
        assert len({trial.key for several in trials for trial in several}) == 9 * sum(expected)
    first = [several[0].constants for several in trials]
    priors = [(constants["gradient_norm"], constants["pixel_norm"]) for constants in first]
    without = (NO_VARIATION_PRIOR, NO_RANGE_PRIOR["pixel_norm"])
    assert priors == [
        (80 / 6.5, 80), (without[0], 80), (80 / 6.5, without[1]), without,
    ]  # fmt: skip


def test_without_a_prior_its_term_vanishes_and_nothing_else_changes() -> None:
    layer = network("efficientnet-lite0", weights="random").layer("stem.conv")
    photo = shipped_photos()["chelsea"]
    usual = NNPREIMAGE.with_steps(1)

    def first_terms(**changes: float) -> torch.Tensor:
        settings = usual.replace(**changes)
        terms = invert(layer, photo, size=(32, 32), settings=settings).trace
        return torch.stack(
            [terms.alpha_norm[:2, 0], terms.total_variation[:2, 0], terms.loss[:2, 0]]
        )

    expected = first_terms()
    without = first_terms(**NO_RANGE_PRIOR)
    assert bool((without[0] < 1e-9).all())
    assert torch.allclose(without[1:, 0], expected[1:, 0])
    # the first step is bounded by the rate alone, whatever the size of the gradient
    assert torch.allclose(without[1:, 1], expected[1:, 1], rtol=0.2)
    without = first_terms(gradient_norm=NO_VARIATION_PRIOR)
    assert bool((without[1] < 1e-9).all())
    assert torch.allclose(without[[0, 2], 0], expected[[0, 2], 0])
