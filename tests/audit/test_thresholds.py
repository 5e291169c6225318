"""Thresholds of measures, by which pipelines fail."""

from __future__ import annotations

import pytest

from preimage.audit.measures import Estimate
from preimage.audit.result import AttackResult, LayerResult
from preimage.audit.thresholds import exceeded, parse_thresholds
from preimage.audit.verdict import Verdict


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("reidentifed=0.1", "unknown measure 'reidentifed': did you mean 'reidentified'?"),
        ("reidentified", "give a measure and a value, such as reidentified=0.1"),
        ("reidentified=high", "'high' is not a number"),
        ("reidentified=nan", "'nan' is not a number"),
        ("reidentified=10", "give a value from 0 to less than 1"),
        ("reidentified=1", "give a value from 0 to less than 1"),
        ("ssim=-2", "give a value from -1 to less than 1"),
        ("feature_distance=0.1", "feature_distance is smaller where more leaks: take one of"),
        ("same_class=0.1", "same_class is measured by a judge: name one with --judge"),
    ],
)
def test_a_threshold_that_makes_no_sense_gets_one_clear_line(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_thresholds([text], has_judge=False)
    assert message in str(caught.value)


def _layer(low: float, high: float) -> LayerResult:
    one = Estimate("reidentified", None, (low + high) / 2, low, high, 0.04, 0.01, 24)
    attack = AttackResult("inversion", "All.", (one,), Verdict(), (), ())
    return LayerResult("net/conv1", (attack,), ())


def test_the_lower_end_of_the_interval_decides() -> None:
    thresholds = parse_thresholds(["reidentified=0.1", "ssim=0.5"], has_judge=False)
    layers = [_layer(0.11, 0.5), _layer(0.1, 0.5), _layer(0, 0.1)]
    above, perhaps = exceeded(layers, thresholds)
    start = "net/conv1, inversion: re-identified: "
    assert above == [f"{start}above 0.1, with at least 0.11"]
    assert perhaps == [f"{start}not shown to be above 0.1, but up to 0.5"]
