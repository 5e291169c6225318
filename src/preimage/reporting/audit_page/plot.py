"""The plot of an audit: rates with their intervals beside chance, as rows of a table."""

from __future__ import annotations

from dataclasses import dataclass

from preimage.audit.advice import layer_name
from preimage.audit.measures import MEASURES, Estimate
from preimage.audit.result import Audit
from preimage.audit.verdict import is_beyond_chance


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of the plot: a rate with its interval.

    Attributes:
        label: what tells the row from others of its group.
        estimate: what was measured.
    """

    label: str
    estimate: Estimate

    @property
    def is_beyond_chance(self) -> bool:
        """True if luck alone would seldom take any measure so far."""
        return is_beyond_chance(self.estimate)

    def at(self, end: str) -> str:
        """Return the place of "value", "low", "high" or "chance" in percent of the width."""
        return f"{100 * float(getattr(self.estimate, end)):.2f}%"


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of a measure: one for each layer and attack."""

    title: str
    bars: tuple[Bar, ...]


def plot_rates(audit: Audit) -> list[Group]:
    """Return all rates of an audit; with a single row for each measure, in one group."""
    groups: dict[str, list[Bar]] = {}
    for layer in audit.layers:
        for attack in layer.attacks:
            parts = [layer_name(layer)] if len(audit.layers) > 1 else []
            parts += [attack.attack] if len(layer.attacks) > 1 else []
            for one in attack.estimates:
                if MEASURES[one.measure].is_rate:
                    bars = groups.setdefault(one.words, [])
                    bars.append(Bar(", ".join(parts) or one.words, one))
    if all(len(bars) == 1 for bars in groups.values()):
        return [Group("", tuple(bar for (bar,) in groups.values()))]
    return [Group(title, tuple(bars)) for title, bars in groups.items()]
