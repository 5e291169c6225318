"""Intervals hold the truth as often as they say, and luck is seldom taken for a leak."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import beta

from preimage.audit.intervals import luck, mean_interval, rate_interval, ratio_interval

AUDITS = 200
LEAST_HELD = 0.91
"""Of 200 intervals that hold the truth with 95 %, fewer do with a probability of 1 %."""


@pytest.mark.parametrize(("hits", "count"), [(0, 24), (1, 9), (12, 24), (24, 24), (700, 2000)])
def test_the_interval_of_a_rate_is_that_of_the_beta_distribution(hits: int, count: int) -> None:
    low, high = rate_interval(hits, count)
    expected = (
        beta.ppf(0.025, hits, count - hits + 1) if hits else 0,
        beta.ppf(0.975, hits + 1, count - hits) if hits < count else 1,
    )
    assert (low, high) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("rate", [0.04, 0.3, 0.9, 0.99])
def test_intervals_of_rates_hold_the_truth(rate: float) -> None:
    random = np.random.default_rng(0)
    ends = [rate_interval(int(random.binomial(24, rate)), 24) for _ in range(AUDITS)]
    assert np.mean([low <= rate <= high for low, high in ends]) >= LEAST_HELD


@pytest.mark.parametrize(
    ("name", "parameters", "mean"),
    [
        ("normal", (0.3, 0.1), 0.3),
        ("beta", (0.5, 3), 0.5 / 3.5),
        ("lognormal", (-1, 0.7), math.exp(-1 + 0.49 / 2)),
    ],
)
def test_intervals_of_means_hold_the_truth(
    name: str, parameters: tuple[float, float], mean: float
) -> None:
    random = np.random.default_rng(0)
    held = []
    for seed in range(AUDITS):
        values = getattr(random, name)(*parameters, 24)
        low, high = mean_interval(values, seed=seed)
        held.append(low <= mean <= high)
    assert LEAST_HELD <= np.mean(held) <= 0.99


def test_equal_values_do_not_make_an_interval_of_no_width() -> None:
    assert mean_interval([1.0] * 24, (0, 1)) == pytest.approx(rate_interval(24, 24))
    low, high = mean_interval([0.5] * 9, (0, 1))
    assert low < 0.4
    assert high > 0.6


@pytest.mark.parametrize("count", [9, 24])
@pytest.mark.parametrize(("rare", "value"), [(0.2, 2 / 3), (0.1, 2 / 3), (0.1, 0), (0.05, 0.5)])
def test_intervals_of_means_of_nearly_equal_values_hold_the_truth(
    count: int, rare: float, value: float
) -> None:
    """Most photos have the value 1, as where nearly all searches succeed."""
    random, held = np.random.default_rng(0), []
    for seed in range(AUDITS):
        values = np.where(random.random(count) < rare, value, 1.0)
        low, high = mean_interval(values, (0, 1), seed)
        held.append(low <= 1 - rare * (1 - value) <= high)
    assert np.mean(held) >= LEAST_HELD


def test_the_low_end_is_below_the_mean_where_one_of_nine_values_differs() -> None:
    low, high = mean_interval([1.0] * 8 + [0.5], (0, 1))
    assert low == pytest.approx(17 / 18 * (1 - rate_interval(0, 9)[1]))
    assert high == pytest.approx(1)


def test_an_interval_stays_within_the_limits() -> None:
    low, high = mean_interval([1.0] * 20 + [0.2, 0.9], (0, 1))
    assert 0 <= low < high <= 1


def test_luck_is_taken_for_a_leak_in_one_of_twenty_audits() -> None:
    """Many measures that are related, none of which knows the photo."""
    random = np.random.default_rng(0)
    alarms = 0
    for seed in range(AUDITS):
        shared = random.normal(size=(24, 24))
        tables = [shared + random.normal(size=(24, 24)) for _ in range(4)]
        tables += [(t == t.max(1, keepdims=True)).astype(float) for t in tables]
        alarms += min(luck(tables, seed)) < 0.05
    assert alarms <= 21  # 5 % of 200 and three deviations


def test_a_leak_is_found_among_measures_of_luck() -> None:
    random = np.random.default_rng(0)
    tables = [random.normal(size=(24, 24)) for _ in range(8)]
    tables[3] += 2 * np.eye(24)
    by_luck = luck(tables)
    assert by_luck[3] < 0.01
    assert min(by_luck[:3] + by_luck[4:]) > 0.05


def test_what_is_the_same_for_all_photos_is_luck() -> None:
    of_photos = np.random.default_rng(0).random(24)
    assert luck([np.tile(of_photos, (24, 1)), np.zeros((24, 24))]) == [1, 1]
    assert luck([]) == []


def test_intervals_of_ratios_hold_the_truth() -> None:
    random = np.random.default_rng(0)
    held = []
    for seed in range(AUDITS):
        groups = 1.3 * random.lognormal(0, 0.35, 8), random.lognormal(0, 0.35, 24)
        _, low, high = ratio_interval(*groups, seed)
        held.append(low <= 1.3 <= high)
    assert LEAST_HELD <= np.mean(held) <= 0.99
