"""The report of a check: one verdict and one finding for each property.

>>> print(Report("mine/relu", (32, 48), (Property("runs", "yes", "a code of 8 x 32 x 48"),)))
mine/relu, images of 32 x 48
runs  yes  a code of 8 x 32 x 48
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["yes", "no", "partly", "-"]
"""The answer to a question; "-" stands for a mere fact, such as the number of channels."""


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a representation.

    Attributes:
        name: the property, such as "deterministic".
        verdict: whether it holds.
        finding: what was found, in one line.
    """

    name: str
    verdict: Verdict
    finding: str


@dataclass(frozen=True, slots=True)
class Report:
    """All properties of a representation that were checked; `print` shows it as a table.

    Attributes:
        representation: its name.
        size: height and width of the images.
        properties: the properties in the order of the table.
    """

    representation: str
    size: tuple[int, int]
    properties: tuple[Property, ...]

    @property
    def ok(self) -> bool:
        """True if no verdict is "no"."""
        return all(row.verdict != "no" for row in self)

    @property
    def title(self) -> str:
        """The name of the representation and the size of the images."""
        return f"{self.representation}, images of {self.size[0]} x {self.size[1]}"

    def __iter__(self) -> Iterator[Property]:
        return iter(self.properties)

    def __getitem__(self, name: str) -> Property:
        """Return the property of this name; raise KeyError if there is none."""
        for row in self:
            if row.name == name:
                return row
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data, for JSON."""
        return {**asdict(self), "size": list(self.size), "ok": self.ok}

    def __str__(self) -> str:
        name = max((len(row.name) for row in self), default=0)
        verdict = max((len(row.verdict) for row in self), default=0)
        lines = [f"{row.name:{name}}  {row.verdict:{verdict}}  {row.finding}" for row in self]
        return "\n".join([self.title, *lines])

    __repr__ = __str__
