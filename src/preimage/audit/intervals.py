"""Intervals of what is measured on a sample of photos, and tests of whether it is chance.

Rates have exact intervals (Clopper and Pearson 1934): where all of N photos are recognized, a
bootstrap would say "100 to 100 %". Means have those of the studentized bootstrap over photos (Efron
and Tibshirani 1993, chapter 12), which hold the truth also for 24 photos of a skewed distribution.
Chance is what is measured if reconstructions and photos are paired at random. Many measures are
tested together (Westfall and Young 1993), so that one of them seldom is beyond chance by luck.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

CONFIDENCE = 0.95
"""The probability that an interval holds the truth."""

RESAMPLES = 2000
"""The number of samples of the bootstrap."""

PAIRINGS = 4000
"""The number of random pairings of reconstructions and photos."""

_TAIL = (1 - CONFIDENCE) / 2
_DIGITS = 9


def rate_interval(hits: int, count: int) -> tuple[float, float]:
    """Return the exact interval of a rate, of which `hits` of `count` were seen.

    >>> [round(end, 3) for end in rate_interval(24, 24)]
    [0.858, 1.0]
    """
    low = _rate_with_tail(hits, count) if hits else 0.0
    high = 1 - _rate_with_tail(count - hits, count) if hits < count else 1.0
    return low, high


def _rate_with_tail(hits: int, count: int) -> float:
    """Return the rate at which at least `hits` of `count` have the probability of one tail."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if _tail(hits, count, middle) > _TAIL else (middle, high)
    return low


def _tail(hits: int, count: int, rate: float) -> float:
    """Return the probability of at least `hits` of `count` at a rate between 0 and 1."""
    k = range(hits, count + 1)
    ways = (math.lgamma(count + 1) - math.lgamma(n + 1) - math.lgamma(count - n + 1) for n in k)
    odds = (n * math.log(rate) + (count - n) * math.log1p(-rate) for n in k)
    return sum(math.exp(a + b) for a, b in zip(ways, odds, strict=True))


def mean_interval(
    values: Sequence[float] | np.ndarray,
    limits: tuple[float, float] = (-math.inf, math.inf),
    seed: int = 0,
) -> tuple[float, float]:
    """Return the interval of the mean of all that `values` were drawn from.

    If all values are equal, the bootstrap says nothing of other values. Then as many others as
    `rate_interval` allows are taken to be at the limits. The same holds for an end that is further
    away, if so many samples of the bootstrap are of equal values that their share is above that of
    a tail: of nine values, eight of which are 1, every third sample has only these.

    Args:
        values: one for each photo, two or more.
        limits: the least and the largest possible value.
        seed: the seed of the bootstrap.

    >>> mean_interval([1.0, 2.0, 3.0, 4.0]) == mean_interval([1.0, 2.0, 3.0, 4.0])
    True
    >>> [round(end, 3) for end in mean_interval([1.0] * 24, limits=(0, 1))]
    [0.858, 1.0]
    """
    x = np.asarray(values, float)
    mean, count, error = float(x.mean()), len(x), float(_standard_error(x))
    unseen = rate_interval(0, count)[1]
    lowest, highest = mean - unseen * (mean - limits[0]), mean + unseen * (limits[1] - mean)
    if error < 1e-9:
        return lowest, highest
    drawn = x[np.random.default_rng(seed).integers(count, size=(RESAMPLES, count))]
    errors, off = _standard_error(drawn), drawn.mean(1) - mean
    known = errors > 1e-9
    below, above = np.quantile(off[known] / errors[known], [_TAIL, 1 - _TAIL])
    low, high = mean - above * error, mean - below * error
    if (~known & (off > 0)).mean() > _TAIL:
        low = min(low, lowest)
    if (~known & (off < 0)).mean() > _TAIL:
        high = max(high, highest)
    return max(low, limits[0]), min(high, limits[1])


def _standard_error(values: np.ndarray) -> np.ndarray:
    """Return the standard error of the mean along the last axis."""
    deviations: np.ndarray = values.std(-1, ddof=1) / math.sqrt(values.shape[-1])
    return deviations


def luck(likeness: Sequence[np.ndarray], seed: int = 0) -> list[float]:
    """Return the probability of each measure to be as large as it is by luck.

    A measure is the mean over all reconstructions of the likeness to their own photos. It is
    compared with its values after reconstructions were paired with photos at random. The same
    pairings serve all measures, and a probability is that of *any* measure to be so improbable.

    Args:
        likeness: for each measure, the likeness (N, N) of reconstruction i and photo j.
        seed: the seed of the pairings.

    >>> luck([np.eye(9), np.ones((9, 9))])[0] < 0.01
    True
    """
    if not likeness:
        return []
    count = len(likeness[0])
    random = np.random.default_rng(seed)
    pairings = np.vstack([np.arange(count), random.random((PAIRINGS, count)).argsort(1)])
    means = [m[np.arange(count), pairings].mean(1).round(_DIGITS) for m in likeness]
    improbable = np.stack([_share_as_large(values) for values in means])
    of_any = np.sort(improbable.min(0))
    ranks = np.searchsorted(of_any, improbable[:, 0], side="right")
    return [float(rank) / len(of_any) for rank in ranks]


def _share_as_large(values: np.ndarray) -> np.ndarray:
    """Return for each value the share of all values that are as large or larger."""
    ordered = np.sort(values)
    share: np.ndarray = 1 - np.searchsorted(ordered, values, side="left") / len(values)
    return share


def ratio_interval(
    ours: Sequence[float] | np.ndarray, others: Sequence[float] | np.ndarray, seed: int = 0
) -> tuple[float, float, float]:
    """Return the ratio of the geometric means of two groups, and its interval.

    The interval is that of the studentized bootstrap of the difference of the logarithms' means.

    >>> [round(x, 3) for x in ratio_interval([1, 2, 4], [2, 4, 8])][0]
    0.5
    """
    groups = [np.log(np.asarray(group, float)) for group in (ours, others)]
    random = np.random.default_rng(seed)
    means, errors = [], []
    for x in groups:
        drawn = x[random.integers(len(x), size=(RESAMPLES, len(x)))]
        means.append((float(x.mean()), drawn.mean(1)))
        errors.append((float(_standard_error(x)), _standard_error(drawn)))
    difference = means[0][0] - means[1][0]
    error, of_drawn = math.hypot(errors[0][0], errors[1][0]), np.hypot(errors[0][1], errors[1][1])
    known = of_drawn > 1e-9
    t = (means[0][1] - means[1][1] - difference)[known] / of_drawn[known]
    below, above = np.quantile(t, [_TAIL, 1 - _TAIL])
    ends = (difference, difference - above * error, difference - below * error)
    return tuple(map(math.exp, ends))  # type: ignore[return-value]
