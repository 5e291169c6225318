"""Results of a study, averaged over photos and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any, TypeAlias

from preimage.studies.outcome import Measures, Record

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
    naturalness: float | None
    class_agreement: float | None
    seconds: float
    count: int


def summarize(records: Sequence[Record]) -> list[Mean]:
    """Means of the inversions that are done, in the order of the records."""
    names = varied_constants(records)
    groups: dict[_Group, list[Measures]] = {}
    for record in records:
        if record.measures is not None and record.measures.error is not None:
            groups.setdefault(_group(record, names), []).append(record.measures)
    return [_mean(group, measures) for group, measures in groups.items()]


@dataclass(frozen=True, slots=True)
class MeanResponse:
    """Maximizations that differ in seed alone, or caricatures in photo and seed.

    Attributes:
        representation: name of Phi.
        component: what is excited; empty of caricatures.
        loss_weight: C in units of 1 / Z.
        varied: constants that the study varies besides, with their values.
        response: the mean response of the component; of caricatures, how many times stronger
            than to the photo.
        response_std: its sample standard deviation; None for a single result.
        maximum: M of the component; None of caricatures.
        seconds: mean.
        count: how many results there are.
    """

    representation: str
    component: str
    loss_weight: float
    varied: tuple[tuple[str, Any], ...]
    response: float
    response_std: float | None
    maximum: float | None
    seconds: float
    count: int


def summarize_responses(records: Sequence[Record]) -> list[MeanResponse]:
    """Means of the maximizations and caricatures that are done, in the order of the records."""
    names = varied_constants(records)
    groups: dict[tuple[Any, ...], list[Record]] = {}
    for record in records:
        if record.measures is not None and record.measures.response is not None:
            group = (*_group(record, names), record.trial.component)
            groups.setdefault(group, []).append(record)
    return [_mean_response(alike, names) for alike in groups.values()]


def _mean_response(records: list[Record], names: list[str]) -> MeanResponse:
    representation, loss_weight, varied = _group(records[0], names)
    trial, measures = records[0].trial, [r.measures for r in records if r.measures is not None]
    responses = [m.response for m in measures if m.response is not None]
    return MeanResponse(
        representation=representation,
        component="" if trial.component is None else str(trial.component),
        loss_weight=loss_weight,
        varied=varied,
        response=fmean(responses),
        response_std=stdev(responses) if len(responses) > 1 else None,
        maximum=trial.maximum,
        seconds=fmean(m.seconds for m in measures),
        count=len(responses),
    )


def varied_constants(records: Sequence[Record]) -> list[str]:
    """Names of the settings other than C that differ within one representation."""
    seen: dict[tuple[str, str], set[Any]] = {}
    for record in records:
        for name, value in record.trial.settings.constants().items():
            seen.setdefault((name, record.trial.representation), set()).add(value)
    several = {name for (name, _), values in seen.items() if len(values) > 1}
    return sorted(several - {"loss_weight", "strength"})


def _group(record: Record, names: list[str]) -> _Group:
    constants = record.trial.settings.constants()
    varied = tuple((name, constants.get(name)) for name in names)
    return record.trial.representation, record.trial.weight, varied


def _mean(group: _Group, measures: list[Measures]) -> Mean:
    errors = [m.error for m in measures if m.error is not None]

    def mean(name: str) -> float | None:
        known = [value for m in measures if (value := getattr(m, name)) is not None]
        return fmean(known) if known else None

    return Mean(
        *group,
        error=fmean(errors),
        error_std=stdev(errors) if len(errors) > 1 else None,
        psnr=mean("psnr"),
        ssim=mean("ssim"),
        naturalness=mean("naturalness"),
        class_agreement=mean("class_agrees"),
        seconds=fmean(m.seconds for m in measures),
        count=len(measures),
    )
