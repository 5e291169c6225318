"""Curves and histograms lie where their numbers say."""

from __future__ import annotations

import dataclasses

import pytest
from tests.atlas.sites import inversion, maximization
from tests.study_files import MEASURES

from preimage.atlas import curves
from preimage.atlas.data import Channel, Histogram, Image, Layer, PhotoRow, Picture

IMAGE = Image("assets/pictures/a.webp", "a picture", 20, 20)


def _layer(errors: dict[float, float], title: str = "conv") -> Layer:
    pictures = [
        Picture(IMAGE, inversion(weight=weight), dataclasses.replace(MEASURES, error=error))
        for weight, error in errors.items()
    ]
    return Layer(
        name=f"net/{title}", title=title, address=f"net/{title}", channels=[],
        inversions=[PhotoRow("cat", None, pictures)], caricatures=[],
    )  # fmt: skip


def test_errors_by_c_fall_from_left_to_right() -> None:
    chart = curves.error_by_weight(_layer({1: 0.4, 20: 0.2, 100: 0.1}))
    assert chart is not None
    assert [text for _, text in chart.across] == ["C 1", "C 20", "C 100"]
    (line,) = chart.lines
    xs, ys, texts = zip(*line.points, strict=True)
    assert sorted(xs) == list(xs)
    assert sorted(ys) == list(ys)  # y grows downwards
    assert texts[1] == "cat, C 20: 20.0 %"
    height = {text: y for y, text in chart.up}
    assert height["20"] == pytest.approx(ys[1])
    assert line.path.startswith(f"M{xs[0]:.1f} {ys[0]:.1f} L")


def test_one_c_or_one_layer_makes_no_curve() -> None:
    assert curves.error_by_weight(_layer({20: 0.2})) is None
    assert curves.error_by_depth([_layer({20: 0.2})]) is None


def test_errors_by_depth_are_the_lowest_of_each_layer() -> None:
    chart = curves.error_by_depth([_layer({1: 0.4, 20: 0.2}, "a"), _layer({1: 0.0}, "b")])
    assert chart is not None
    assert [text for _, _, text in chart.lines[0].points] == ["cat, a: 20.0 %", "cat, b: 0.0 %"]


def test_errors_of_zero_and_of_a_thousand_percent_can_be_drawn() -> None:
    for first, second in ((0.0, 0.0), (10.0, 3.0), (1e6, 0.1)):
        chart = curves.error_by_weight(_layer({1: first, 2: second}))
        assert chart is not None
        assert len(chart.up) <= 12
        assert all(0 <= y <= curves.HEIGHT for _, y, _ in chart.lines[0].points)


def _channel(reached: float | None, maximum: float = 2.0) -> Channel:
    measures = dataclasses.replace(MEASURES, response=reached)
    return Channel(
        address="net/conv/0.html", label="0", index=0, is_class=False, maximum=maximum,
        pictures=[Picture(IMAGE, maximization(), measures)],
        histogram=Histogram((400, 0, 20, 1), 0.0, 2.0),
    )  # fmt: skip


def test_bars_m_and_picture_stand_on_one_axis() -> None:
    bars = curves.response_bars(_channel(3.0))
    assert bars is not None
    assert len(bars.bars) == 3  # an empty bin has none
    heights = [height for *_, height in bars.bars]
    assert heights[0] > heights[1] > heights[2]
    x, _, width, _ = bars.bars[-1]
    assert x + width <= bars.maximum
    assert bars.reached is not None
    assert bars.maximum < bars.reached < curves.WIDTH
    assert [text for _, text in bars.across] == ["0", "1", "2", "3"]
    assert "M = 2" in bars.title
    assert "response 3" in bars.title


def test_few_responses_have_fewer_bins() -> None:
    channel = _channel(3.0)
    channel.histogram = Histogram((1, 0, 0, 0, 0, 2, 0, 1), 0.0, 2.0)
    bars = curves.response_bars(channel)
    assert bars is not None
    (first, last) = bars.bars
    assert last[0] + last[2] <= bars.highest
    assert last[3] > first[3]


def test_a_response_below_all_photos_stays_inside() -> None:
    bars = curves.response_bars(_channel(-5.0))
    assert bars is not None
    assert bars.reached == pytest.approx(curves.LEFT)


def test_without_a_picture_or_photos_less_is_drawn() -> None:
    bars = curves.response_bars(_channel(None))
    assert bars is not None
    assert bars.reached is None
    channel = _channel(1.0)
    channel.histogram = None
    assert curves.response_bars(channel) is None
