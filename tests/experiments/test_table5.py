"""Table 5: the published figures, and the trials."""

from __future__ import annotations

import itertools

from preimage.catalog import network
from preimage.experiments.loading import Loader
from preimage.experiments.table5 import LOSS_WEIGHTS, NO_VARIATION_PRIOR, published, study


def test_the_published_table_is_whole() -> None:
    table = published()
    layers = network("alexnet", "random").main_layers[:-1]
    assert sorted(table) == sorted(itertools.product(layers, LOSS_WEIGHTS))
    assert all(0 < deviation < mean < 100 for mean, deviation in table.values())


def test_the_published_figures_are_those_of_the_paper() -> None:
    table = published()
    for layer, weight, figures in (
        ("conv1", 1, (69.5, 10.3)), ("norm1", 20, (32.6, 6.1)), ("conv4", 100, (11.6, 2.7)),
        ("pool5", 300, (17.5, 5.6)), ("fc8", 1, (13.6, 2.9)), ("fc8", 300, (9.0, 2.0)),
    ):  # fmt: skip
        assert table[layer, weight] == figures


def test_the_ablation_repeats_every_trial_without_the_variation_prior() -> None:
    for ablation, expected in ((False, 1), (True, 2)):
        trials = study(["hog"], None, ablation=ablation, steps=1).trials(Loader())
        priors = {trial.settings.gradient_norm for trial in trials}
        assert len(priors) == expected
        assert len(trials) == 9 * 4 * expected
        assert (NO_VARIATION_PRIOR in priors) is ablation
