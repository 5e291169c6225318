"""The results of a study, averaged over photos and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any, TypeAlias

from preimage.studies.measures import Measures
from preimage.studies.outcome import Record
from preimage.studies.trial import Trial

_Group: TypeAlias = tuple[str, float | None, tuple[tuple[str, Any], ...]]


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of inversions that differ only in photo and seed.

    Attributes:
        representation: name of Phi.
        loss_weight: C; None for HOGgle.
        varied: the other constants that the study varies, with their values.
        error: mean reconstruction error, a fraction.
        error_std: its sample standard deviation; None for a single result.
        psnr: mean in decibels.
        ssim: mean.
        naturalness: mean.
        class_agreement: fraction of results in the class of the photo; None without classes.
        seconds: mean.
        count: number of results.
    """

    representation: str
    loss_weight: float | None
    varied: tuple[tuple[str, Any], ...]
    error: float
    error_std: float | None
    psnr: float | None
    ssim: float | None
    naturalness: float | None
    class_agreement: float | None
    seconds: float
    count: int


@dataclass(frozen=True, slots=True)
class MeanResponse:
    """The mean of maximizations that differ only in seed, or of caricatures: photo and seed.

    Attributes:
        representation: name of Phi.
        component: what is excited; None for caricatures.
        strength: the multiple of 1 / Z.
        varied: the other constants that the study varies, with their values.
        response: mean response of the component; of caricatures, as a multiple of that to the
            photo.
        response_std: its sample standard deviation; None for a single result.
        maximum: M of the component; None for caricatures.
        seconds: mean.
        count: number of results.
    """

    representation: str
    component: str | None
    strength: float | None
    varied: tuple[tuple[str, Any], ...]
    response: float
    response_std: float | None
    maximum: float | None
    seconds: float
    count: int


def summarize(records: Sequence[Record]) -> list[Mean]:
    """Return the means of the inversions that are done, in the order of the records."""
    names = varied_constants(records)
    groups: dict[_Group, list[Measures]] = {}
    for record in records:
        if record.measures is not None and record.measures.error is not None:
            groups.setdefault(_group(record.trial, names), []).append(record.measures)
    return [_mean(group, measures) for group, measures in groups.items()]


def summarize_responses(records: Sequence[Record]) -> list[MeanResponse]:
    """Return the means of maximizations and caricatures, in the order of the records."""
    names = varied_constants(records)
    groups: dict[tuple[_Group, str | None], list[tuple[Trial, Measures]]] = {}
    for record in records:
        trial, measures = record.trial, record.measures
        if measures is not None and measures.response is not None:
            key = (_group(trial, names), trial.component)
            groups.setdefault(key, []).append((trial, measures))
    return [
        _mean_response(group, component, alike[0][0].maximum, [measures for _, measures in alike])
        for (group, component), alike in groups.items()
    ]


def varied_constants(records: Sequence[Record]) -> list[str]:
    """Return the constants besides C and strength that differ within one representation."""
    seen: dict[tuple[str, str], set[Any]] = {}
    for record in records:
        for name, value in record.trial.constants.items():
            seen.setdefault((name, record.trial.representation), set()).add(value)
    several = {name for (name, _), values in seen.items() if len(values) > 1}
    return sorted(several - {"loss_weight", "strength"})


def _group(trial: Trial, names: list[str]) -> _Group:
    """Return representation, C or strength, and varied constants: the same for one mean."""
    varied = tuple((name, trial.constants.get(name)) for name in names)
    return trial.representation, trial.weight, varied


def _mean(group: _Group, measures: list[Measures]) -> Mean:
    """Return the mean of several inversions."""
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


def _mean_response(
    group: _Group, component: str | None, maximum: float | None, measures: list[Measures]
) -> MeanResponse:
    """Return the mean of several maximizations or caricatures."""
    representation, strength, varied = group
    responses = [m.response for m in measures if m.response is not None]
    return MeanResponse(
        representation=representation,
        component=component,
        strength=strength,
        varied=varied,
        response=fmean(responses),
        response_std=stdev(responses) if len(responses) > 1 else None,
        maximum=maximum,
        seconds=fmean(m.seconds for m in measures),
        count=len(responses),
    )
