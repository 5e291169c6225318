"""The attack with candidates: which photos that an attacker has are in a store of vectors?

The nearest stored vector of each photo is a match if it is clearly nearer than the vectors come to
photos that are known not to be in the store. All distances are angles between codes, because the
scale of stored vectors is seldom known exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

FALSE_RATE = 0.01
"""The share of photos outside the store that may be taken for stored ones."""


_TO_OTHERS = 0.2
"""The threshold's share of the way from copies to other photos, on a logarithmic scale."""

_EXACT = 0.1
"""The least angle, in degrees, that is told from an equal code in single precision."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """The angle below which a candidate is a match.

    Attributes:
        angle: in degrees.
        false_rate: a photo that is not in the store is taken for a stored one with at most this
            probability, if it is alike the photos that the threshold was chosen from.
        copies: the share of copies of these photos that are nearer to the original than `angle`;
            NaN without copies.
    """

    angle: float
    false_rate: float
    copies: float


@dataclass(frozen=True, slots=True)
class Matches:
    """The nearest stored vector of each candidate, and which of them are matches.

    Attributes:
        rows: the row of the nearest stored vector, (M,).
        angles: the angle to it in degrees, (M,).
        threshold: the angle below which a candidate is a match.
    """

    rows: Tensor
    angles: Tensor
    threshold: Threshold

    @property
    def found(self) -> Tensor:
        """True for each candidate that is in the store, (M,)."""
        return self.angles < self.threshold.angle


def match_candidates(
    codes: Tensor,
    candidates: Tensor,
    others: Tensor,
    copies: Tensor | None = None,
    *,
    false_rate: float = FALSE_RATE,
) -> Matches:
    """Find the photos whose codes are in a store, and tell them from photos that are not.

    Args:
        codes: the stored codes, (N, ...).
        candidates: the codes of the attacker's photos through the same representation, (M, ...).
        others: the codes of photos that are not in the store, (L, ...). With fewer than
            1 / `false_rate` - 1 of them, so low a rate cannot be promised.
        copies: the codes of copies of these photos, resized or compressed again, (L, ...).
        false_rate: the share of photos outside the store that may be taken for stored ones.

    >>> stored, photos = torch.eye(3)[:2], torch.eye(3)[[1, 2]]
    >>> found = match_candidates(stored, photos, others=torch.ones(99, 3))
    >>> found.found.tolist(), found.rows.tolist()[0], found.threshold.false_rate
    ([True, False], 1, 0.01)
    """
    rows, angles = nearest_rows(codes, candidates)
    to_copies = None if copies is None else angles_between(others, copies)
    _, to_others = nearest_rows(codes, others)
    return Matches(rows, angles, choose_threshold(to_others, to_copies, false_rate))


def nearest_rows(codes: Tensor, photos: Tensor) -> tuple[Tensor, Tensor]:
    """Return the index of the stored code nearest to each photo's, and the angle in degrees."""
    nearest = NearestRows(photos)
    nearest.update(range(len(codes)), codes)
    return nearest.rows, nearest.angles


class NearestRows:
    """The stored code nearest to each photo's, while the store is read in batches.

    Args:
        photos: the codes of the photos, (M, ...).
    """

    def __init__(self, photos: Tensor) -> None:
        self._photos = _directions(photos)
        self._cosines = torch.full((len(photos),), -torch.inf)
        self.rows = torch.full((len(photos),), -1)

    def update(self, rows: Sequence[int], codes: Tensor) -> None:
        """Compare the photos with stored codes (N, ...) of these rows."""
        cosines, nearest = (self._photos @ _directions(codes).T).max(1)
        is_nearer = cosines > self._cosines
        self._cosines = torch.where(is_nearer, cosines, self._cosines)
        self.rows = torch.where(is_nearer, torch.tensor(list(rows))[nearest], self.rows)

    @property
    def angles(self) -> Tensor:
        """The angle between each photo's code and the nearest one, in degrees, (M,)."""
        return _degrees(self._cosines)


def angles_between(one: Tensor, other: Tensor) -> Tensor:
    """Return the angles in degrees between pairs of codes, (N, ...) and (N, ...)."""
    return _degrees((_directions(one) * _directions(other)).sum(1))


def choose_threshold(
    others: Tensor, copies: Tensor | None = None, false_rate: float = FALSE_RATE
) -> Threshold:
    """Return the threshold for the angles of candidates to their nearest stored vectors.

    Of L photos outside the store and one more, each is equally likely to be among the k nearest to
    it: so a new one is nearer than the k-th of L with a probability of at most k / (L + 1). But
    these photos may be less alike the stored ones than a candidate is. Therefore the threshold is
    only a fifth of the way, on a logarithmic scale, from the farthest copy of a photo to that.

    Args:
        others: the angles from photos outside the store to their nearest vectors, (L,).
        copies: the angles between photos and copies of them.
        false_rate: the share of photos outside the store that may be taken for stored ones.

    >>> found = choose_threshold(torch.tensor([30.0, 20.0, 40.0]), torch.tensor([2.0, 4.0]), 0.5)
    >>> round(found.angle, 2), found.false_rate, found.copies
    (5.99, 0.5, 1.0)
    """
    count = len(others)
    k = max(1, math.floor(false_rate * (count + 1)))
    angle, found = float(others.sort().values[k - 1]), float("nan")
    if copies is not None:
        farthest = max(float(copies.max()), _EXACT)
        angle = min(angle, farthest * (angle / farthest) ** _TO_OTHERS)
        found = float((copies < angle).float().mean())
    return Threshold(angle, k / (count + 1), found)


def _directions(codes: Tensor) -> Tensor:
    return normalize(codes.flatten(1).float(), dim=1)


def _degrees(cosines: Tensor) -> Tensor:
    return torch.rad2deg(torch.arccos(cosines.clamp(-1, 1)))
