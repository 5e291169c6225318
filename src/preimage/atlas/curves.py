"""Curves and histograms as coordinates, which the templates draw as SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from preimage.atlas.data import Channel, Layer
from preimage.loss_weight import format_weight

WIDTH, HEIGHT = 640, 220
"""Size of a drawing, whose axes are at the left and at the bottom."""

_FEW = 200
"""Largest number of responses of which a histogram has a quarter of the bins."""

LEFT, BOTTOM, TOP, RIGHT = 44, 52, 14, 14


@dataclass(frozen=True, slots=True)
class Line:
    """A curve: its points, each with a text, and a path through them."""

    name: str
    points: list[tuple[float, float, str]]

    @property
    def path(self) -> str:
        """The path in SVG."""
        return "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y, _ in self.points)


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves over named places, with marks on the axes."""

    lines: list[Line]
    across: list[tuple[float, str]]
    up: list[tuple[float, str]]
    title: str


@dataclass(frozen=True, slots=True)
class Bars:
    """A histogram: bars (x, y, width, height) and marks on its axis.

    Attributes:
        highest: the place of the largest response to photos.
        maximum: the place of M.
        reached: the place of the response of the picture; None without a picture.
    """

    bars: list[tuple[float, float, float, float]]
    across: list[tuple[float, str]]
    highest: float
    maximum: float
    reached: float | None
    title: str


def error_by_weight(layer: Layer) -> Chart | None:
    """Return the error of a layer's inversions by C, a curve for each photo; None if C is one."""
    curves: dict[str, dict[str, float]] = {}
    for row in layer.inversions:
        for picture in row.pictures:
            weight, error = picture.trial.weight, picture.measures.error
            if weight is not None and error is not None:
                curves.setdefault(row.name, {}).setdefault(f"C {format_weight(weight)}", error)
    places = list(dict.fromkeys(place for curve in curves.values() for place in curve))
    if len(places) < 2:
        return None
    return chart(places, curves, f"Error of inversions of {layer.title} by C, in percent")


def error_by_depth(layers: Sequence[Layer]) -> Chart | None:
    """Return the lowest error of inversions by layer; None for fewer than two layers."""
    curves: dict[str, dict[str, float]] = {}
    for layer in layers:
        for row in layer.inversions:
            if errors := [e for p in row.pictures if (e := p.measures.error) is not None]:
                curves.setdefault(row.name, {})[layer.title] = min(errors)
    places = [layer.title for layer in layers if any(layer.title in c for c in curves.values())]
    if len(places) < 2:
        return None
    return chart(places, curves, "Error of inversions by layer, in percent")


def chart(places: Sequence[str], curves: Mapping[str, Mapping[str, float]], title: str) -> Chart:
    """Return curves of fractions, shown in percent, over places in this order."""
    highest = max(value for curve in curves.values() for value in curve.values())
    step = next(s for s in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 10, math.inf) if highest / s <= 5)
    step = highest or 1.0 if math.isinf(step) else step
    end = max(1, math.ceil(highest / step)) * step

    def height(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / end

    x = {
        place: LEFT + 10 + (WIDTH - LEFT - RIGHT - 20) * n / max(1, len(places) - 1)
        for n, place in enumerate(places)
    }
    lines = [
        Line(name, [
            (x[place], height(curve[place]), f"{name}, {place}: {100 * curve[place]:.1f} %")
            for place in places
            if place in curve
        ])
        for name, curve in curves.items()
    ]  # fmt: skip
    marks = [(height(n * step), f"{100 * n * step:.0f}") for n in range(round(end / step) + 1)]
    return Chart(lines, [(at, place) for place, at in x.items()], marks, title)


def response_bars(channel: Channel) -> Bars | None:
    """Return the histogram of a channel's responses; heights are logarithms of counts."""
    found = channel.histogram
    if found is None:
        return None
    reached = channel.response
    maximum = found.high if channel.maximum is None else channel.maximum
    known = [found.low, found.high, maximum, *([] if reached is None else [reached])]
    low, end = min(known), max(known)
    end += 0.04 * (end - low)

    def across(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - low) / (end - low)

    together = 1 if sum(found.counts) > _FEW else 4
    counts = [sum(found.counts[n : n + together]) for n in range(0, len(found.counts), together)]
    left = across(found.low)
    width = (across(found.high) - left) * together / len(found.counts)
    most = math.log1p(max(counts))
    bars = []
    for n, number in enumerate(counts):
        tall = (HEIGHT - BOTTOM - TOP) * math.log1p(number) / most
        if number:
            bars.append((left + n * width, HEIGHT - BOTTOM - tall, max(0.5, width - 1), tall))
    marks = [(across(value), f"{value:.3g}") for value in _round_values(low, end)]
    title = f"Histogram of the responses of {channel.title} to photos, with M = {maximum:.3g}"
    if reached is not None:
        title += f" and the response {reached:.3g} of the picture"
    at = None if reached is None else across(reached)
    return Bars(bars, marks, across(found.high), across(maximum), at, title)


def _round_values(low: float, high: float) -> list[float]:
    """Return about five round numbers between two numbers."""
    raw = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw)
    first = math.ceil(low / step)
    return [n * step for n in range(first, math.floor(high / step) + 1)]
