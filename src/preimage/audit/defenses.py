"""Defenses of stored vectors: steps by name, fitted to the codes that a store holds.

unit            each vector divided by its norm
int8            rounded to 8 bits, with the scale of the largest value; int8:0.02, uint8:0.02,3
first:64        only the first 64 values
pca:16          the 16 first principal components of the store; pca:FILE
noise:0.5       noise of half of the norm
rotation        a rotation whose key is secret; rotation:known if the attacker has the key
average:2       the mean of the vectors of two photos in place of both

Several steps are joined by a bar, as in the names of representations: pca:16|noise:0.5.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from preimage.audit.defense_steps import Average, Noise, Public, Rotation, Secret, Step
from preimage.names import STEP, unknown
from preimage.representations.base import Representation
from preimage.representations.transformations import (
    First,
    Projection,
    Quantized,
    Transformation,
    Unit,
    parse_transformation,
)

ALL = "all"
"""The name of all defenses that are measured by default."""

NONE = "none"
"""The name of the undefended vectors."""

_EXAMPLES = (
    "unit", "int8", "first:64", "pca:16", "noise:0.5", "rotation", "rotation:known", "average:2"
)  # fmt: skip
_KINDS = {name.partition(":")[0] for name in _EXAMPLES} | {"uint8"}
_CUT = 16
"""The length of codes over the usual length of shortened ones."""

_COMPONENTS = (8, 64)
"""The usual numbers of principal components."""

_SENTENCES: dict[type[Transformation], str] = {
    Unit: "Each vector is divided by its norm; the attacker knows that.",
    Quantized: "Each value is rounded to 8 bits; the attacker knows how.",
    First: "Only the first values of each vector are stored; the attacker knows that.",
    Projection: "Only a few components of each vector are stored; the attacker has their matrix.",
    Rotation: "Each vector is rotated by a key that the attacker has.",
}


@dataclass(frozen=True, slots=True)
class Defense:
    """Steps that vectors go through before they are stored.

    Attributes:
        name: the names of the steps, joined by a bar.
        steps: the steps.
    """

    name: str
    steps: tuple[Step, ...] = ()

    @property
    def sentence(self) -> str:
        """The effect of the defense, and the attacker's knowledge of it, in a sentence."""
        return " ".join(step.sentence for step in self.steps) or "Vectors are stored as they are."

    def store(self, codes: Tensor) -> Tensor:
        """Return codes (N, ...) as they are stored, one for each."""
        for step in self.steps:
            codes = step.store(codes)
        return codes

    def query(self, codes: Tensor) -> Tensor:
        """Return codes (N, ...) as the owner looks for them in the store."""
        for step in self.steps:
            codes = step.query(codes)
        return codes

    def known(self, phi: Representation) -> Representation:
        """Return Phi with all steps that an attacker knows and can invert."""
        for step in self.steps:
            phi = step.known(phi)
        return phi

    def guess(self, codes: Tensor) -> Tensor:
        """Return codes (N, ...) of an attacker's photos as he takes them to be stored."""
        for step in self.steps:
            if isinstance(step, Public):
                codes = step.store(codes)
        return codes


def plan_defenses(
    names: Sequence[str], phi: Representation, codes: Tensor, seed: int = 0
) -> list[Defense]:
    """Return defenses by name, after the undefended vectors.

    Args:
        names: see the module; `ALL` for those of `usual_names`.
        phi: the representation of the codes.
        codes: codes of the store (N, ...), which scales and components are fitted to.
        seed: the seed of noise, and the key of rotations.

    Raises:
        OSError: if the file of a matrix cannot be read.
        ValueError: if there is no such defense, or it does not fit the codes.
    """
    wanted: list[str] = []
    for name in names:
        wanted += usual_names(phi, codes) if name.strip() == ALL else [name.strip()]
    return [
        Defense(NONE),
        *(plan_defense(name, codes, seed) for name in dict.fromkeys(wanted) if name != NONE),
    ]


def usual_names(phi: Representation, codes: Tensor) -> list[str]:
    """Return the names of the defenses that are measured by default.

    Those that codes have gone through already are left out.
    """
    length, done = codes[0].numel(), getattr(phi, "transformations", ())
    most = min(len(codes) - 1, length)
    names = [] if any(isinstance(step, Unit) for step in done) else ["unit"]
    names += [] if any(isinstance(step, Quantized) for step in done) else ["int8"]
    names += [f"first:{max(length // _CUT, 1)}"]
    names += [f"pca:{count}" for count in _COMPONENTS if count <= most]
    return [*names, "noise:0.5", "noise:2", "rotation", "rotation:known", "average:2", "average:4"]


def plan_defense(name: str, codes: Tensor, seed: int = 0) -> Defense:
    """Return a defense by name, fitted to codes of the store (N, ...).

    >>> plan_defense("unit|int8", torch.tensor([[3.0, 4.0]])).store(torch.tensor([[6.0, 8.0]]))
    tensor([[0.5984, 0.8000]])
    """
    steps, texts = list[Step](), [text.strip() for text in name.split(STEP)]
    for text in texts:
        step = _make(text, codes, seed)
        if isinstance(step, Public):
            step.transformation.shape(tuple(codes.shape[1:]))  # raises if the codes do not fit
        codes = step.store(codes)
        steps.append(step)
    return Defense(STEP.join(texts), tuple(steps))


def check_names(names: Iterable[str]) -> None:
    """Raise if there is no defense of a name, which needs no codes.

    Raises:
        ValueError: if there is not; the nearest name is offered.
    """
    for name in set(names) - {ALL, NONE}:
        for text in name.split(STEP):
            _check_kind(text.strip())


def _check_kind(text: str) -> None:
    if text.partition(":")[0] not in _KINDS:
        raise ValueError(unknown("defense", text, (*_EXAMPLES, ALL)))


def _make(text: str, codes: Tensor, seed: int) -> Step:
    _check_kind(text)
    kind, _, given = text.partition(":")
    if text == "rotation":
        return Secret(Rotation(seed))
    if kind == "noise":
        return Noise(_number(text, given), seed)
    if kind == "average":
        return Average(_whole(text, given))
    step = _make_public(text, codes, seed)
    return Public(step, _SENTENCES[type(step)])


def _make_public(text: str, codes: Tensor, seed: int) -> Transformation:
    """Return a transformation that an attacker knows, fitted to codes of the store."""
    kind, _, given = text.partition(":")
    if text == "rotation:known":
        return Rotation(seed)
    if text == "int8":
        return Quantized("int8", float(codes.abs().max()) / 127)
    if kind == "pca" and given.isdecimal():
        return fit_components(codes, int(given))
    return parse_transformation(text)


def fit_components(codes: Tensor, count: int) -> Projection:
    """Return the projection to the first principal components of codes (N, ...).

    Raises:
        ValueError: if there are too few codes.
    """
    flat = codes.flatten(1).double()
    most = min(len(flat) - 1, flat.shape[1])
    if not 1 <= count <= most:
        raise ValueError(
            f"pca:{count}: {len(flat)} codes of {flat.shape[1]} values have 1 to {most} components"
        )
    mean = flat.mean(0)
    _, _, axes = torch.linalg.svd(flat - mean, full_matrices=False)
    return Projection(str(count), axes[:count], mean)


def _number(text: str, given: str) -> float:
    try:
        return float(given)
    except ValueError:
        raise ValueError(f"{text}: {given!r} is not a number") from None


def _whole(text: str, given: str) -> int:
    try:
        return int(given)
    except ValueError:
        raise ValueError(f"{text}: {given!r} is not a whole number") from None
