"""The results of a study, averaged over photos and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev
from typing import Any, TypeAlias

from preimage.loss_weight import LossWeight
from preimage.studies.judge import Judgement, mean_judgement
from preimage.studies.measures import Measures
from preimage.studies.outcome import Record
from preimage.studies.trial import Trial

_Group: TypeAlias = tuple[str, LossWeight | None, tuple[tuple[str, Any], ...]]


@dataclass(frozen=True, slots=True)
class Mean:
    """The means of `Measures` of inversions that differ only in photo and seed.

    Attributes:
        representation: name of Phi.
        loss_weight: C, or "auto" if it is chosen for each image; None for HOGgle.
        varied: the other constants that the study varies, with their values.
        error_std: sample standard deviation of the error; None for a single result.
        class_agreement: fraction of results in the class of the photo; None without classes.
        count: number of results.
        judged: the means of what the judges say; None without judges.
        processor_seconds: the median of those that are known, so that what a process does once,
            such as compiling, does not count; None if none is known.
    """

    representation: str
    loss_weight: LossWeight | None
    varied: tuple[tuple[str, Any], ...]
    error: float
    error_std: float | None
    psnr: float | None
    ssim: float | None
    naturalness: float | None
    class_agreement: float | None
    seconds: float
    count: int
    judged: Judgement | None = None
    processor_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class MeanResponse:
    """The means of `Measures` of maximizations or caricatures that differ only in photo and seed.

    Attributes:
        representation: name of Phi.
        component: name of the excited component; None for caricatures.
        strength: the multiple of 1 / Z.
        varied: the other constants that the study varies, with their values.
        response_std: sample standard deviation of the response; None for a single result.
        maximum: M of the component; None for caricatures.
        count: number of results.
        judged: the means of what the judges say; None without judges.
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
    judged: Judgement | None = None


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
    maxima: dict[tuple[_Group, str | None], float | None] = {}
    groups: dict[tuple[_Group, str | None], list[Measures]] = {}
    for record in records:
        trial, measures = record.trial, record.measures
        if measures is not None and measures.response is not None:
            key = (_group(trial, names), trial.component)
            maxima.setdefault(key, trial.maximum)
            groups.setdefault(key, []).append(measures)
    means = []
    for (group, component), measured in groups.items():
        (representation, weight, varied), maximum = group, maxima[group, component]
        strength = None if isinstance(weight, str) else weight
        responses = [m.response for m in measured if m.response is not None]
        means.append(MeanResponse(
            representation, component, strength, varied, fmean(responses), _deviation(responses),
            maximum, fmean(m.seconds for m in measured), len(measured), _mean_judged(measured),
        ))  # fmt: skip
    return means


def varied_constants(records: Sequence[Record]) -> list[str]:
    """Return the names of constants, except C and strength, that vary in a representation."""
    seen: dict[tuple[str, str], set[Any]] = {}
    for record in records:
        for name, value in record.trial.constants.items():
            seen.setdefault((name, record.trial.representation), set()).add(value)
    several = {name for (name, _), values in seen.items() if len(values) > 1}
    return sorted(several - {"loss_weight", "strength"})


def _group(trial: Trial, names: list[str]) -> _Group:
    """Return what the trials of a mean share: representation, C or strength, constants."""
    varied = tuple((name, trial.constants.get(name)) for name in names)
    return trial.representation, trial.weight, varied


def _mean(group: _Group, measures: list[Measures]) -> Mean:
    """Return the mean of several inversions."""
    errors = [m.error for m in measures if m.error is not None]
    worked = [m.processor_seconds for m in measures if m.processor_seconds is not None]

    def mean(name: str) -> float | None:
        known = [value for m in measures if (value := getattr(m, name)) is not None]
        return fmean(known) if known else None

    return Mean(
        *group,
        error=fmean(errors),
        error_std=_deviation(errors),
        psnr=mean("psnr"),
        ssim=mean("ssim"),
        naturalness=mean("naturalness"),
        class_agreement=mean("class_agrees"),
        seconds=fmean(m.seconds for m in measures),
        count=len(measures),
        judged=_mean_judged(measures),
        processor_seconds=median(worked) if worked else None,
    )


def _mean_judged(measures: Sequence[Measures]) -> Judgement | None:
    """Return the means of what the judges say; None if there was none."""
    known = [m.judged for m in measures if m.judged is not None]
    return mean_judgement(known) if known else None


def _deviation(values: Sequence[float]) -> float | None:
    """Return the sample standard deviation; None for a single value."""
    return stdev(values) if len(values) > 1 else None
