"""The result of an audit as plain data, which the screen, JSON and the page read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from preimage.audit.defended import Defended
from preimage.audit.intervals import ratio_interval
from preimage.audit.likeness import Gallery
from preimage.audit.measures import Estimate, estimate
from preimage.audit.photos import Photo
from preimage.audit.verdict import FEWEST_PHOTOS, NO_PROOF, Verdict, decide, join
from preimage.tables import Table

if TYPE_CHECKING:
    from PIL import Image

ALIKE = 1.5
"""Errors are alike if their geometric means differ by less than this factor."""

FEWEST_ROWS = 6
"""The number of vectors below which their errors are not compared."""

_LEAST_ERROR = 1e-6


@dataclass(frozen=True, slots=True)
class Attacked:
    """Photos that an attack has reconstructed.

    Attributes:
        attack: the name of the attack.
        knowledge: a sentence that says what an attacker must have for it.
        pictures: the reconstruction of each photo.
        files: their files, seen from the folder of the audit.
        errors: ||Phi(x*) - Phi_0|| / ||Phi_0|| of each.
    """

    attack: str
    knowledge: str
    pictures: Sequence[Image.Image]
    files: Sequence[str]
    errors: Sequence[float]


@dataclass(frozen=True, slots=True)
class AttackResult:
    """The measures and the verdict of an attack.

    Attributes:
        attack: the name of the attack.
        knowledge: a sentence that says what an attacker must have for it.
        estimates: all measures.
        verdict: what they show.
        files: the pictures of the reconstructions, seen from the folder of the audit.
        errors: ||Phi(x*) - Phi_0|| / ||Phi_0|| of each.
    """

    attack: str
    knowledge: str
    estimates: tuple[Estimate, ...]
    verdict: Verdict
    files: tuple[str, ...]
    errors: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class LayerResult:
    """The results of several attacks on the codes of a layer.

    Attributes:
        representation: the name of Phi.
        attacks: the result of each attack.
        photos: the photos that were attacked.
    """

    representation: str
    attacks: tuple[AttackResult, ...]
    photos: tuple[Photo, ...]

    @property
    def verdict(self) -> Verdict:
        """The verdict of all attacks together."""
        return join(attack.verdict for attack in self.attacks)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The errors of stored vectors beside those of photos' codes, by the same attack.

    Attributes:
        ratio: the geometric mean of the vectors' errors divided by that of the photos'.
        low: the lower end of its interval.
        high: the upper end.
        outcome: whether they are alike; "unknown" if there are too few vectors to tell.
    """

    ratio: float
    low: float
    high: float
    outcome: Literal["alike", "unlike", "unknown"]

    def __str__(self) -> str:
        numbers = (
            f"by inversion the errors of the stored vectors are {self.ratio:.2f} times those of "
            f"photos ({self.low:.2f} to {self.high:.2f}), by geometric means"
        )
        if self.outcome == "alike":
            return f"{numbers}; alike, so the verdict carries over"
        if self.outcome == "unlike":
            return (
                f"{numbers}; not alike, so the verdict is that of "
                "the photos alone: take photos like those in the store"
            )
        return (
            f"{numbers}; too few vectors to say whether the verdict carries over: take more of them"
        )


@dataclass(frozen=True, slots=True)
class Audit:
    """The result of an audit.

    Attributes:
        layers: what attacks show of each layer; a store of vectors counts as one.
        photos: the photos whose codes were attacked.
        judges: the names of the networks that judged the reconstructions.
        warnings: what limits the verdict, a sentence each.
        comparison: the errors of stored vectors beside those of photos; None without vectors.
        about: what else is known, such as seeds and versions, as plain data.
        defenses: leak and usefulness of vectors under defenses; None if not measured.
    """

    layers: tuple[LayerResult, ...]
    photos: tuple[str, ...]
    judges: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    comparison: Comparison | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    defenses: Defended | None = None

    def table(self) -> Table:
        """Return the verdict of each attack on each layer, and below it what limits them."""
        rows = [
            (layer.representation, attack.attack, str(attack.verdict))
            for layer in self.layers
            for attack in layer.attacks
        ]
        comparison = [] if self.comparison is None else [str(self.comparison)]
        photos = f"{len(self.photos)} photo{'' if len(self.photos) == 1 else 's'}"
        note = "; ".join([photos, *comparison, *self.warnings, NO_PROOF])
        return Table(("representation", "attack", "what an attacker learns"), rows, note)

    def _repr_html_(self) -> str:
        """Return the table as HTML, for notebooks."""
        return self.table()._repr_html_()

    def describe(self) -> dict[str, Any]:
        """Return everything as plain data, for JSON."""
        return {
            **self.about,
            "layers": [_describe_layer(layer) for layer in self.layers],
            "photos": list(self.photos),
            "judge": list(self.judges),
            "warnings": list(self.warnings),
            "comparison": self.comparison and dataclasses.asdict(self.comparison),
            "defenses": self.defenses and self.defenses.describe(),
            "no_proof": NO_PROOF,
        }


def measure_layer(
    representation: str,
    photos: Sequence[Photo],
    gallery: Gallery,
    attacked: Sequence[Attacked],
    seed: int = 0,
) -> LayerResult:
    """Return what attacks show of the codes of a layer.

    Args:
        representation: the name of Phi.
        photos: the photos.
        gallery: the same photos, as they are compared.
        attacked: the reconstructions of all photos by each attack.
        seed: the seed of bootstrap and random pairs.
    """
    found = estimate({one.attack: gallery.compare(one.pictures) for one in attacked}, seed)
    attacks = [
        AttackResult(
            one.attack, one.knowledge, found[one.attack], decide(found[one.attack]),
            tuple(one.files), tuple(one.errors),
        )
        for one in attacked
    ]  # fmt: skip
    return LayerResult(representation, tuple(attacks), tuple(photos))


def compare_errors(stored: Sequence[float], photos: Sequence[float], seed: int = 0) -> Comparison:
    """Return the errors of stored vectors beside those of photos.

    They are alike if the interval of their ratio lies within a factor of `ALIKE`, and unlike if it
    lies beyond 1 otherwise.

    Raises:
        ValueError: if there are fewer than `FEWEST_ROWS` of either.

    >>> errors = [0.1, 0.11, 0.12, 0.13, 0.14, 0.15]
    >>> compare_errors(errors, errors).outcome
    'alike'
    """
    if min(len(stored), len(photos)) < FEWEST_ROWS:
        raise ValueError(
            f"errors need at least {FEWEST_ROWS} vectors and as many photos to be compared"
        )
    ours, theirs = ([max(error, _LEAST_ERROR) for error in group] for group in (stored, photos))
    ratio, low, high = ratio_interval(ours, theirs, seed)
    outcome: Literal["alike", "unlike", "unknown"] = "unknown"
    if low > 1 / ALIKE and high < ALIKE:
        outcome = "alike"
    elif low > 1 or high < 1:
        outcome = "unlike"
    return Comparison(ratio, low, high, outcome)


def find_limits(photos: int, judges: int) -> list[str]:
    """Return what limits the verdict, a sentence each.

    >>> find_limits(24, 1)
    []
    """
    limits = []
    if photos < FEWEST_PHOTOS:
        limits.append(
            f"{photos} photos are too few for a verdict that can be relied on: it takes "
            f"{FEWEST_PHOTOS}"
        )
    if not judges:
        limits.append(
            "without a judge, only pixels, HOG and colors are compared, and not what photos show"
        )
    return limits


def _describe_layer(layer: LayerResult) -> dict[str, Any]:
    return {
        "representation": layer.representation,
        "photos": [dataclasses.asdict(photo) for photo in layer.photos],
        "verdict": _describe_verdict(layer.verdict),
        "attacks": [
            {**dataclasses.asdict(attack), "verdict": _describe_verdict(attack.verdict)}
            for attack in layer.attacks
        ],
    }


def _describe_verdict(verdict: Verdict) -> dict[str, Any]:
    return {"words": str(verdict), "level": verdict.level, **dataclasses.asdict(verdict)}
