"""Estimates: the value of each measure, its interval, and chance beside it."""

from __future__ import annotations

import numpy as np
import pytest

from preimage.audit.intervals import mean_interval, rate_interval
from preimage.audit.measures import MEASURES, estimate


def test_a_rate_has_an_exact_interval_and_the_chance_of_a_guess() -> None:
    hits = np.eye(24)
    hits[3:, :] = np.eye(24)[0]
    ((found,),) = estimate({"attack": {("reidentified_hog", ""): hits}}).values()
    assert (found.value, found.photos, found.judge) == (3 / 24, 24, None)
    assert (found.low, found.high) == rate_interval(3, 24)
    assert found.chance == pytest.approx(1 / 24)
    assert found.words == "nearest by HOG"


def test_the_chance_of_a_mean_is_that_of_other_pairs() -> None:
    table = np.random.default_rng(0).random((5, 5))
    table[np.arange(5), np.arange(5)] = [0.5, 0.6, 0.7, 0.8, 0.9]
    ((found,),) = estimate({"attack": {("color_histogram", ""): table}}).values()
    assert found.value == pytest.approx(0.7)
    assert found.chance == pytest.approx((table.sum() - 3.5) / 20)
    assert (found.low, found.high) == mean_interval([0.5, 0.6, 0.7, 0.8, 0.9], (0, 1))


def test_a_distance_is_positive_and_near_pairs_are_no_luck() -> None:
    table = -10 - np.random.default_rng(0).random((9, 9))
    table[np.arange(9), np.arange(9)] = -np.arange(9.0) / 9
    ((found,),) = estimate({"attack": {("feature_distance", "net"): table}}).values()
    assert found.value == pytest.approx(4 / 9)
    assert found.chance > 10
    assert found.luck < 0.001
    assert found.words == "feature distance by net"
    assert 0 <= found.low < found.value < found.high


def test_luck_counts_the_measures_of_all_attacks() -> None:
    tables = {
        str(seed): {("ssim", ""): np.random.default_rng(seed).random((9, 9))} for seed in range(9)
    }
    together = estimate(tables)
    assert all(
        one.luck >= estimate({"a": tables[attack]})["a"][0].luck
        for attack, (one,) in together.items()
    )


def test_all_measures_say_what_they_are() -> None:
    for name, measure in MEASURES.items():
        assert measure.name == name
        assert measure.limits[0] < measure.limits[1]
