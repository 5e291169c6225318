"""Results of a study, averaged over photos and seeds."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any, TypeAlias

from preimage.experiments.outcome import Measures, Record

_Group: TypeAlias = tuple[str, float, tuple[tuple[str, Any], ...]]


@dataclass(frozen=True, slots=True)
class Mean:
    """Results that differ in photo and seed alone.

    Attributes:
        representation: name of Phi.
        loss_weight: C.
        varied: constants that the study varies besides, with their values.
        error: mean reconstruction error, a fraction.
        error_std: its sample standard deviation; None for a single result.
        psnr: mean in decibels.
        ssim: mean.
        naturalness: mean.
        class_agreement: fraction whose class is that of the photo; None without classes.
        seconds: mean.
        count: how many results there are.
    """

    representation: str
    loss_weight: float
    varied: tuple[tuple[str, Any], ...]
    error: float
    error_std: float | None
    psnr: float | None
    ssim: float | None
    naturalness: float
    class_agreement: float | None
    seconds: float
    count: int


def summarize(records: Sequence[Record]) -> list[Mean]:
    """Means of what is done, in the order of the records."""
    names = varied_constants(records)
    groups: dict[_Group, list[Measures]] = {}
    for record in records:
        if record.measures is not None:
            groups.setdefault(_group(record, names), []).append(record.measures)
    return [_mean(group, measures) for group, measures in groups.items()]


def varied_constants(records: Sequence[Record]) -> list[str]:
    """Names of the settings other than C that differ within one representation."""
    seen: dict[tuple[str, str], set[Any]] = {}
    for record in records:
        for name, value in dataclasses.asdict(record.trial.settings).items():
            seen.setdefault((name, record.trial.representation), set()).add(value)
    several = {name for (name, _), values in seen.items() if len(values) > 1}
    return sorted(several - {"loss_weight"})


def _group(record: Record, names: list[str]) -> _Group:
    settings = record.trial.settings
    varied = tuple((name, getattr(settings, name)) for name in names)
    return record.trial.representation, settings.loss_weight, varied


def _mean(group: _Group, measures: list[Measures]) -> Mean:
    errors = [m.error for m in measures]

    def mean(name: str) -> float | None:
        known = [value for m in measures if (value := getattr(m, name)) is not None]
        return fmean(known) if known else None

    return Mean(
        *group,
        error=fmean(errors),
        error_std=stdev(errors) if len(errors) > 1 else None,
        psnr=mean("psnr"),
        ssim=mean("ssim"),
        naturalness=fmean(m.naturalness for m in measures),
        class_agreement=mean("class_agrees"),
        seconds=fmean(m.seconds for m in measures),
        count=len(measures),
    )
