"""The report on defenses: a plot of leak against usefulness, a table as CSV, rows in words."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from preimage.audit.defended import NO_PROOF, Defended
from preimage.audit.defenses import NONE
from preimage.audit.measures import Estimate
from preimage.audit.usefulness import Rate
from preimage.files import write_whole
from preimage.reporting.plots import save_plot
from preimage.reporting.verdicts import format_estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME = "defenses"
"""The name of the files, without the ending."""

_COLUMNS = ("defense", "kind", "measure", "judge", "value", "low", "high", "chance", "photos")
_GAP = 0.055
"""The least distance of labels of the plot, as a share of its height."""


def write_defenses(folder: Path, defended: Defended) -> list[Path]:
    """Write defenses.csv, defenses.svg and defenses.png, and return their paths."""
    table = folder / f"{NAME}.csv"
    with write_whole(table) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([_COLUMNS, *_lines(defended)])
    return [table, *plot_defenses(folder / NAME, defended)]


def header(defended: Defended) -> list[str]:
    """Return the columns of the table: leaks, what the attacker learns, and usefulness."""
    leak = defended.leaks[0].words
    return ["defense", leak, "found by copy", "shows", "retrieval", "same class"]


def rows(defended: Defended) -> list[list[str]]:
    """Return the table, a row for each defense."""
    found = []
    for leak, result in zip(defended.leaks, defended.results, strict=True):
        classes = [format_rate(rate) for rate in result.use if rate.name == "same_class"]
        shows = ", ".join(result.verdict.shows) or "nothing"
        found.append([
            result.defense, format_estimate(leak), format_rate(result.matched), shows,
            format_rate(result.retrieval), *(classes or ["-"]),
        ])  # fmt: skip
    return found


def in_words(defended: Defended) -> list[str]:
    """Return what the table means, in sentences."""
    leak, first = defended.leaks[0], defended.results[0]
    return [
        f"Defenses, measured on {defended.attacked} photos in quality {defended.quality} and on "
        f"searches among {defended.stored} vectors. By chance: {format_estimate(leak, 'chance')} "
        f"{leak.words}, {first.matched.chance:.1%} found by copy.",
        *(f"{one.defense}: {one.sentence}" for one in defended.results[1:]),
        NO_PROOF,
    ]


def format_rate(rate: Rate) -> str:
    """Return a rate with its interval.

    >>> format_rate(Rate("retrieval", 0.5, 0.291, 0.709, 0.04, 24))
    '50 % (29 to 71)'
    """
    value, low, high = (f"{100 * number:.0f}" for number in (rate.value, rate.low, rate.high))
    return f"{value} % ({low} to {high})"


def plot_defenses(stem: Path, defended: Defended) -> list[Path]:
    """Plot leak against usefulness with intervals; write STEM.svg and STEM.png."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5.2), layout="constrained")
    axes = figure.subplots()
    leaks, uses = defended.leaks, [result.retrieval for result in defended.results]
    order = [100 * leak.value + use.value for leak, use in zip(leaks, uses, strict=True)]
    heights = spread(order, 100 * _GAP)
    for result, leak, use, height in zip(defended.results, leaks, uses, heights, strict=True):
        _mark(axes, result.defense, leak, use, height)
    chance = 100 * leaks[0].chance
    axes.axhline(chance, color="0.5", linestyle=":", linewidth=1)
    axes.annotate("chance", (0, chance), (2, 2), textcoords="offset points", color="0.4", size=8)
    axes.set_title("better: to the right and below", loc="right", color="0.4", size=9)
    axes.set_xlim(-2, 102)
    axes.set_ylim(-6, 106)
    axes.set_xlabel("usefulness: changed photos that are found again (%)")
    axes.set_ylabel(f"leak: {leaks[0].words} (% of {defended.attacked} photos)")
    axes.spines[["top", "right"]].set_visible(False)
    return save_plot(figure, stem, dpi=150, kinds=("svg", "png"))


def _mark(axes: Axes, name: str, leak: Estimate, use: Rate, height: float) -> None:
    """Draw a defense with its intervals, and its name at a height beside the axes."""
    color, place = ("black" if name == NONE else "C0"), (100 * use.value, 100 * leak.value)
    axes.hlines(place[1], 100 * use.low, 100 * use.high, color=color, alpha=0.2, linewidth=1)
    axes.vlines(place[0], 100 * leak.low, 100 * leak.high, color=color, alpha=0.2, linewidth=1)
    axes.plot(*place, "o", color=color)
    beside = axes.get_yaxis_transform()
    axes.annotate(
        name, place, (1.05, height), textcoords=beside, va="center", color=color,
        arrowprops={"arrowstyle": "-", "color": color, "alpha": 0.35, "shrinkB": 4},
        annotation_clip=False,
    )  # fmt: skip


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Return places of 0..100 near given ones, in their order, none nearer than a gap.

    >>> spread([5.0, 5.0, 98.0, 99.0], 10)
    [0.0, 10.0, 90.0, 100.0]
    """
    order = sorted(range(len(places)), key=lambda n: places[n])
    groups: list[list[int]] = []
    for n in order:
        groups.append([n])
        while len(groups) > 1 and _begin(groups[-1], places, gap) < (
            _begin(groups[-2], places, gap) + gap * len(groups[-2])
        ):
            last = groups.pop()
            groups[-1] += last
    found = [0.0] * len(places)
    for group in groups:
        for k, n in enumerate(group):
            found[n] = _begin(group, places, gap) + k * gap
    return found


def _begin(group: Sequence[int], places: Sequence[float], gap: float) -> float:
    """Return the lowest place of a group that is centered at its mean, if it fits into 0..100."""
    length = gap * (len(group) - 1)
    lowest = sum(places[n] for n in group) / len(group) - length / 2
    return max(min(lowest, 100.0 - length), 0.0)


def _lines(defended: Defended) -> Iterator[list[object]]:
    """Yield the lines of the table: each measure of each defense."""
    numbers = _COLUMNS[4:]
    for result in defended.results:
        for one in result.estimates:
            values = dataclasses.asdict(one)
            yield [result.defense, "leak", one.measure, one.judge, *(values[n] for n in numbers)]
        for kind, rate in (("leak", result.matched), *(("use", rate) for rate in result.use)):
            values = dataclasses.asdict(rate)
            yield [result.defense, kind, rate.name, None, *(values[n] for n in numbers)]
