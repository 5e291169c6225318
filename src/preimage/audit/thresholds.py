"""Thresholds of measures, for pipelines: an audit fails if a measure is shown to be above one.

The lower end of the interval decides: an audit of few photos does not fail by bad luck. That it
does not fail shows nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from preimage.audit.measures import MEASURES
from preimage.audit.result import LayerResult
from preimage.names import unknown


@dataclass(frozen=True, slots=True)
class Threshold:
    """The value of a measure above which an audit fails."""

    measure: str
    value: float


def parse_thresholds(texts: Sequence[str], *, has_judge: bool) -> list[Threshold]:
    """Return thresholds from texts such as "reidentified=0.1".

    Raises:
        ValueError: if there is no such measure, it needs a judge and there is none, it is a
            distance, or the value is no number that it can be above.

    >>> parse_thresholds(["ssim=0.5"], has_judge=False)
    [Threshold(measure='ssim', value=0.5)]
    """
    return [_parse(text, has_judge) for text in texts]


def _parse(text: str, has_judge: bool) -> Threshold:
    name, equals, number = text.partition("=")
    upward = [measure.name for measure in MEASURES.values() if not measure.is_distance]
    if not equals:
        raise ValueError(f"{text}: give a measure and a value, such as reidentified=0.1")
    if name not in MEASURES:
        raise ValueError(unknown("measure", name, upward))
    measure = MEASURES[name]
    if measure.is_distance:
        raise ValueError(
            f"{name} is smaller where more leaks: take one of {', '.join(upward)} instead"
        )
    if "{judge}" in measure.words and not has_judge:
        raise ValueError(f"{name} is measured by a judge: name one with --judge")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{text}: {number!r} is not a number")
    low, high = measure.limits
    if not low <= value < high:
        raise ValueError(
            f"{text}: {name} is at least {low:g} and at most {high:g}: give a value from {low:g} "
            f"to less than {high:g}"
        )
    return Threshold(name, value)


def exceeded(
    layers: Sequence[LayerResult], thresholds: Sequence[Threshold]
) -> tuple[list[str], list[str]]:
    """Return a line for each measure that is above its threshold, and for each that may be."""
    above, perhaps = [], []
    for threshold, low, high, words in _compared(layers, thresholds):
        if low > threshold.value:
            above.append(f"{words}: above {threshold.value:g}, with at least {low:.3g}")
        elif high > threshold.value:
            perhaps.append(
                f"{words}: not shown to be above {threshold.value:g}, but up to {high:.3g}"
            )
    return above, perhaps


def _compared(
    layers: Sequence[LayerResult], thresholds: Sequence[Threshold]
) -> Iterator[tuple[Threshold, float, float, str]]:
    for threshold in thresholds:
        for layer in layers:
            for attack in layer.attacks:
                for one in attack.estimates:
                    if one.measure == threshold.measure:
                        words = f"{layer.representation}, {attack.attack}: {one.words}"
                        yield threshold, one.low, one.high, words
