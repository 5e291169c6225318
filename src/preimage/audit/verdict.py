"""The verdict of an audit: what an attacker learns, and the rules by which it is said.

1. A measure is beyond chance if luck alone would take any measure of the audit that far in fewer
   than 5 % of audits (`Estimate.luck`).
2. An attack shows **the very photo** if most photos are re-identified. A photo is re-identified if
   its reconstruction is nearest to it, among all photos, by pixels or by HOG *and* in the eyes of
   most judges. Without a judge, it takes both pixels and HOG.
3. It shows the **arrangement** if reconstructions are nearest to their photos by pixels or by HOG
   more often than chance, or if some photos are re-identified, and the **colors** if they are
   nearest by their mean colors.
4. It shows **contents**, what the photo shows, if a judge puts photo and reconstruction in the same
   class, or finds them nearest to each other, more often than chance.
5. *Most* photos are meant if the lower end of the interval of such a rate is above a half, and
   *some* photos otherwise.
6. If none of this holds, **nothing** is shown by these attacks. That proves nothing: a stronger
   attack may succeed.

Only rates decide. SSIM and distances of features and colors are described: they may be beyond
chance by next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import Literal, TypeAlias

from preimage.audit.measures import MEASURES, Estimate, Finding

Level: TypeAlias = Literal["photo", "arrangement", "content", "nothing"]
"""The most that an attacker learns: the very photo, its arrangement or colors, its contents."""

FEWEST_PHOTOS = 24
"""The number of photos from which a verdict is given without a warning."""

LEAST_PHOTOS = 4
"""The number of photos below which nothing can be told from chance."""

BY_LUCK = 0.05
"""A measure is beyond chance if luck has a smaller probability."""

MOST = 0.5
"""The share above which it is most photos."""

NO_PROOF = "An attack that fails proves nothing: a stronger one may succeed."

_WORDS: dict[Finding, str] = {
    "photo": "the very photo",
    "arrangement": "the arrangement of {} photos",
    "color": "the colors of {} photos",
    "content": "what {} photos show",
}
_NOTHING = "nothing is shown by these attacks"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The properties of photos that an attacker learns.

    Attributes:
        shows: what reconstructions show, beyond chance.
        of_most: what they show of more than half of all photos, by the lower end of an interval.
    """

    shows: tuple[Finding, ...] = ()
    of_most: tuple[Finding, ...] = ()

    @property
    def level(self) -> Level:
        """The most that is shown."""
        if "photo" in self.shows:
            return "photo"
        if "arrangement" in self.shows or "color" in self.shows:
            return "arrangement"
        return "content" if "content" in self.shows else "nothing"

    def __str__(self) -> str:
        if "photo" in self.shows:
            return "the very photo, of most photos"
        parts = [_WORDS[finding].format(self._extent(finding)) for finding in self.shows]
        return ", and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]])) or _NOTHING

    def _extent(self, finding: Finding) -> str:
        return "most" if finding in self.of_most else "some"


def is_beyond_chance(estimate: Estimate) -> bool:
    """Return whether luck alone would seldom take any measure of the audit so far."""
    return estimate.luck < BY_LUCK


def decide(estimates: Iterable[Estimate]) -> Verdict:
    """Return what the measures of one attack show.

    >>> decide([]).level
    'nothing'
    """
    shows, of_most = set[Finding](), set[Finding]()
    for one in estimates:
        measure = MEASURES[one.measure]
        if measure.shows is not None and is_beyond_chance(one):
            if measure.is_rate and one.low > MOST:
                of_most.add(measure.shows)
                shows.add(measure.shows)
            else:
                shows.add("arrangement" if measure.shows == "photo" else measure.shows)
    return _verdict(shows, of_most)


def join(verdicts: Iterable[Verdict]) -> Verdict:
    """Return what several attacks show together.

    >>> print(join([Verdict(("color",)), Verdict(("content",), of_most=("content",))]))
    the colors of some photos, and what most photos show
    """
    found = list(verdicts)
    return _verdict(
        {finding for verdict in found for finding in verdict.shows},
        {finding for verdict in found for finding in verdict.of_most},
    )


def _verdict(shows: Set[Finding], of_most: Set[Finding]) -> Verdict:
    ordered = (tuple(f for f in _WORDS if f in chosen) for chosen in (shows, of_most))
    return Verdict(*ordered)
