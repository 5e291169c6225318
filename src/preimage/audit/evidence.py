"""Measurements on stored vectors: their number type, rounding, and likeness to codes of photos.

Photos in a store differ from reference photos, so that means and covariances never agree well. But
the order of channels is arbitrary: if channels of vectors and codes were unrelated, their means and
covariances would agree no better than after a shuffle of the channels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from preimage.representations.other_preprocessing import DESCRIPTIONS

_LEVELS = 256
_MOST_CHANNELS = 1024
"""The largest number of channels whose covariances are compared."""

_SHUFFLES = 20
_SURE = 4.0
"""The least agreement that is no chance, which has a deviation of 1 in these units."""

_RIDGE = 1.0
"""The ridge added to the covariance of codes, in units of its mean eigenvalue."""


def storage(values: np.ndarray) -> str:
    """Return the narrowest number type that holds values exactly, such as "float16" or "int8".

    >>> storage(np.array([[0.5, 1 / 1024 + 1]])), storage(np.array([[1.0, -3.0, 2.0]]))
    ('float16', 'int8')
    """
    if is_whole(values):
        low, high = int(values.min()), int(values.max())
        if values.dtype in (np.int8, np.uint8):
            return str(values.dtype)
        if low >= -128 and high <= 127 and low < 0:
            return "int8"
        return "uint8" if low >= 0 and high <= 255 else str(values.dtype)
    with np.errstate(over="ignore"):
        half, single = values.astype(np.float16), values.astype(np.float32)
    if (single == values).all() and values.dtype != np.float16:
        bits = np.ascontiguousarray(single).view(np.uint32)
        if not (bits & 0xFFFF).any():
            return "bfloat16"
    if (half == values).all():
        return "float16"
    return "float32" if (single == values).all() else str(values.dtype)


def is_whole(values: np.ndarray) -> bool:
    """Return whether all values are whole numbers, and more than two of them."""
    return bool((values == np.round(values)).all()) and len(np.unique(values)) > 2


def rounding_step(values: np.ndarray) -> float | None:
    """Return the step between values that were rounded to 8 bits; None if they were not.

    >>> rounding_step(np.arange(600.0).reshape(3, 200) % 100 * 0.5)
    0.5
    """
    levels = np.unique(values.astype(np.float64))
    if not 3 <= len(levels) <= _LEVELS or values.size < 2 * _LEVELS:
        return None
    step = float(np.diff(levels).min())
    numbers = levels / step
    numbers = numbers - numbers[0]
    if numbers[-1] >= _LEVELS:
        return None
    step *= float(numbers[-1] / np.round(numbers[-1]))  # the whole range is more exact
    numbers = levels / step
    return step if float(np.abs(numbers - np.round(numbers)).max()) < 0.05 else None


@dataclass(frozen=True, slots=True)
class Agreement:
    """The agreement of the channels of vectors and codes.

    Attributes:
        means: the rank correlation of the means of the channels.
        deviations: the rank correlation of the standard deviations of the channels.
        covariances: the correlation of the correlations between channels.
        sigmas: the largest of them, in units of what unrelated channels would give.
    """

    means: float
    deviations: float
    covariances: float
    sigmas: float

    @property
    def is_sure(self) -> bool:
        """True if the channels agree by more than chance."""
        return self.sigmas >= _SURE

    def __str__(self) -> str:
        values = ", ".join(f"{v:.2f}" for v in (self.means, self.deviations, self.covariances))
        return (
            f"means, deviations and covariances of channels correlate by {values}: "
            f"{max(self.sigmas, 0):.0f} times what unrelated channels would give"
        )


def compare_channels(vectors: np.ndarray, codes: np.ndarray) -> Agreement:
    """Return how well the channels of vectors (N, L) and codes (M, L) agree."""
    generator = np.random.default_rng(0)
    a, b = _directions(vectors), _directions(codes)
    length = a.shape[1]
    means = _correlation(_ranks(a.mean(0)), _ranks(b.mean(0)))
    deviations = _correlation(_ranks(a.std(0)), _ranks(b.std(0)))
    of_channels = max(means, deviations) * np.sqrt(max(length - 1, 1))
    kept = generator.permutation(length)[:_MOST_CHANNELS]
    first, second = (_correlations(x[:, kept]) for x in (a, b))
    above = np.triu_indices(len(kept), 1)
    wanted = second[above]
    covariances = _correlation(first[above], wanted)
    shuffled = []
    for _ in range(_SHUFFLES):
        order = generator.permutation(len(kept))
        shuffled.append(_correlation(first[np.ix_(order, order)][above], wanted))
    chance = max(float(np.std(shuffled)), 1e-9)
    sigmas = max(of_channels, (covariances - float(np.mean(shuffled))) / chance)
    return Agreement(means, deviations, covariances, float(sigmas))


def is_uncorrelated(vectors: np.ndarray) -> bool:
    """Return whether values are uncorrelated with mean zero and falling variances, as of PCA."""
    variances = vectors.var(0)
    falls = _correlation(_ranks(variances), -np.arange(len(variances), dtype=float)) > 0.9
    return bool(falls and (vectors.mean(0) ** 2).sum() < 0.5 * variances.sum())


@dataclass(frozen=True, slots=True)
class Vote:
    """The other preprocessing that vectors look most like.

    Attributes:
        name: the preprocessing that most vectors prefer to the network's own; empty if there is
            no other one.
        share: the share of vectors that are nearer to its codes than to those of the own one.
        held_out: the share of crops of reference photos that are told apart rightly, each by the
            other photos.
    """

    name: str
    share: float
    held_out: float

    @property
    def is_sure(self) -> bool:
        """True if the vectors look like codes with the other preprocessing."""
        return self.share >= _MAJORITY and self.held_out >= _LEAST_HELD_OUT

    def __str__(self) -> str:
        if self.share <= _UNLIKELY:
            return (
                f"no other preprocessing: the likeliest other one, {DESCRIPTIONS[self.name]}, fits "
                f"only {self.share:.0%} of the vectors better"
            )
        words = (
            f"{self.share:.0%} of the vectors are nearer to codes of photos with "
            f"{DESCRIPTIONS[self.name]}; "
        )
        if math.isnan(self.held_out):
            return words + "a single photo cannot check this: give --reference several"
        words += (
            f"the same comparison is right for {self.held_out:.0%} of the crops of reference photos"
        )
        if self.is_sure:
            return words
        words += (
            f": not enough to conclude it, which takes {_MAJORITY:.0%} of the vectors and "
            f"{_LEAST_HELD_OUT:.0%} of the crops"
        )
        more = "; give photos like those in the store with --reference"
        return words + more


_MAJORITY = 0.7
"""The least share of vectors that must look like another preprocessing."""

_UNLIKELY = 0.5
"""With a share of vectors up to this, nothing hints at another preprocessing."""

_LEAST_HELD_OUT = 0.55
"""The least share of crops that must be told apart by other photos; guessing gives a half."""


def vote(vectors: np.ndarray, codes: Mapping[str, np.ndarray], photos: np.ndarray) -> Vote:
    """Return the other preprocessing that vectors look most like, and how sure this is.

    Each vector is told apart between two sets of codes of the same crops by Fisher's linear
    discriminant. The first of `codes` are those of the own preprocessing.
    """
    x = _directions(vectors)
    flat = {name: _directions(values) for name, values in codes.items()}
    own, *others = flat
    if not others:
        return Vote("", 0.0, 0.0)

    def preference(one: str, other: str) -> float:
        normal, middle = _discriminant(flat[one], flat[other])
        return float((x @ normal > middle).mean())

    shares = {name: preference(own, name) for name in others}
    rivals = [name for name in others if shares[name] >= _MAJORITY] or others

    def worst(name: str) -> float:
        return min([shares[name], *(preference(r, name) for r in rivals if r != name)])

    best = max(rivals, key=worst)
    return Vote(best, shares[best], _held_out(flat[own], flat[best], photos))


def _held_out(own: np.ndarray, other: np.ndarray, photos: np.ndarray) -> float:
    """Return the share of crops that are told apart rightly without their own photo."""
    right = []
    for photo in np.unique(photos):
        out = photos == photo
        if out.all():
            return float("nan")
        normal, middle = _discriminant(own[~out], other[~out])
        right += [*(own[out] @ normal < middle), *(other[out] @ normal > middle)]
    return float(np.mean(right))


def _discriminant(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the normal of the plane between two sets of codes, and its offset."""
    difference = other.mean(0) - one.mean(0)
    rows = np.concatenate([one - one.mean(0), other - other.mean(0)])
    gram = rows @ rows.T
    ridge = _RIDGE * np.trace(gram) / len(gram) + 1e-12
    inverse = np.linalg.solve(gram + ridge * np.eye(len(gram)), rows @ difference)
    normal = difference - rows.T @ inverse
    return normal, float((one.mean(0) + other.mean(0)) / 2 @ normal)


def _directions(values: np.ndarray) -> np.ndarray:
    """Return vectors of norm 1, with square roots of their values so that no large one prevails."""
    values = values.reshape(len(values), -1).astype(np.float64)
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    values = values / np.where(norms > 0, norms, 1)
    return np.sign(values) * np.sqrt(np.abs(values))


def _ranks(values: np.ndarray) -> np.ndarray:
    return np.argsort(np.argsort(values)).astype(float)


def _correlations(values: np.ndarray) -> np.ndarray:
    """Return the correlations between channels, (L, L); 0 for constant channels."""
    centered = values - values.mean(0)
    norms = np.linalg.norm(centered, axis=0)
    units = centered / np.where(norms > 0, norms, 1)
    found: np.ndarray = units.T @ units
    return found


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    a, b = one - one.mean(), other - other.mean()
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norm if norm > 0 else 0.0
