"""The measures of an audit: what reconstructions share with their photos, beside chance.

Each has an interval, the value that chance would give, and the probability that luck alone makes
any of the measures so large; see `preimage.audit.intervals`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from preimage.audit.intervals import luck, mean_interval, rate_interval
from preimage.audit.likeness import Key

Finding: TypeAlias = Literal["photo", "arrangement", "color", "content"]
"""A property of a photo that its reconstruction can show."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure of reconstructions against their photos.

    Attributes:
        name: its name on the command line and in JSON.
        words: its name in sentences; "{judge}" stands for the name of the judge.
        shows: what it shows beyond chance; None if it is only described.
        limits: its least and largest value.
        is_rate: whether it is a share of the photos.
        is_distance: whether less of it is more alike.
    """

    name: str
    words: str
    shows: Finding | None = None
    limits: tuple[float, float] = (0, 1)
    is_rate: bool = False
    is_distance: bool = False


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("reidentified", "re-identified", "photo", is_rate=True),
        Measure("reidentified_pixels", "nearest by pixels", "arrangement", is_rate=True),
        Measure("reidentified_hog", "nearest by HOG", "arrangement", is_rate=True),
        Measure("reidentified_judge", "nearest by {judge}", "content", is_rate=True),
        Measure("same_class", "same class by {judge}", "content", is_rate=True),
        Measure(
            "feature_distance", "feature distance by {judge}", limits=(0, 2), is_distance=True
        ),
        Measure("ssim", "SSIM", limits=(-1, 1)),
        Measure("reidentified_color", "nearest by mean color", "color", is_rate=True),
        Measure("color_distance", "distance of mean colors", limits=(0, 250), is_distance=True),
        Measure("color_histogram", "shared chromas"),
    )
}  # fmt: skip
"""All measures by name."""

_RECOGNITION = "reidentified"
"""The beginning of the names of measures that pick one of all photos."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The value of a measure for the reconstructions of an attack, with its interval.

    Attributes:
        measure: the name of the measure.
        judge: the name of the judge; None without one.
        value: the rate, or the mean over photos.
        low: the lower end of the interval.
        high: the upper end of the interval.
        chance: the value of reconstructions that are paired with photos at random; of two measures
            that hold at once, one may be left as it is (`preimage.audit.likeness.conjunction`).
        luck: the probability that any measure of the audit would be so far beyond chance by luck.
        photos: the number of photos.
    """

    measure: str
    judge: str | None
    value: float
    low: float
    high: float
    chance: float
    luck: float
    photos: int

    @property
    def words(self) -> str:
        """The name of the measure, and of the judge, in words."""
        return MEASURES[self.measure].words.format(judge=self.judge)


def estimate(
    tables: Mapping[str, Mapping[Key, np.ndarray]], seed: int = 0
) -> dict[str, tuple[Estimate, ...]]:
    """Return the estimates of all measures of each attack.

    Args:
        tables: the likeness (N, N) of reconstructions and photos by measure, for each attack; see
            `Gallery.compare`.
        seed: the seed of bootstrap and pairings.
    """
    keys = [(attack, key) for attack, table in tables.items() for key in table]
    shares = luck([tables[attack][key] for attack, key in keys], seed)
    found: dict[str, list[Estimate]] = {attack: [] for attack in tables}
    for (attack, key), by_luck in zip(keys, shares, strict=True):
        found[attack].append(_estimate(key, tables[attack][key], by_luck, seed))
    return {attack: tuple(estimates) for attack, estimates in found.items()}


def _estimate(key: Key, likeness: np.ndarray, by_luck: float, seed: int) -> Estimate:
    name, judge = key
    measure, count = MEASURES[name], len(likeness)
    sign = -1 if measure.is_distance else 1
    own = sign * np.diagonal(likeness)
    if measure.is_rate:
        ends = rate_interval(int(own.sum()), count)
    else:
        ends = mean_interval(own, measure.limits, seed)
    others = (
        likeness.sum() if name.startswith(_RECOGNITION) else likeness.sum() - np.trace(likeness)
    )
    pairs = count**2 if name.startswith(_RECOGNITION) else count * (count - 1)
    return Estimate(
        measure=name,
        judge=judge or None,
        value=float(own.mean()) + 0.0,
        low=float(ends[0]) + 0.0,
        high=float(ends[1]),
        chance=float(sign * others / pairs),
        luck=by_luck,
        photos=count,
    )
