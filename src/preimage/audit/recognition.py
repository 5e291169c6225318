"""Recognition of what was done to codes on their way into a store of vectors.

Stored vectors are compared with codes of reference photos, before anything is inverted: number
type, norms and lengths say which transformation they went through; likeness of the channels says
whether they are codes of the layer at all; and a vote says with which preprocessing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from preimage.audit.evidence import (
    compare_channels,
    is_uncorrelated,
    is_whole,
    rounding_step,
    storage,
    vote,
)
from preimage.audit.reference import OWN, Reference, encode_reference
from preimage.audit.vectors import Vectors
from preimage.photo_files import photo_paths
from preimage.representations.base import Representation
from preimage.representations.other_preprocessing import DESCRIPTIONS
from preimage.representations.transformations import (
    LEVELS,
    First,
    Projection,
    Quantized,
    Transformation,
    Unit,
)
from preimage.representations.transformed import Transformed

_CONSTANT = 0.003
"""The largest deviation of norms, over their mean, that are all the same."""

_CONSTANT_ROUNDED = 0.02
"""The same, of vectors that were rounded to 8 bits."""


ENOUGH = 64
"""The number of vectors that are compared with codes of photos."""

_UNLIKELY = 4.0
"""Norms of codes of photos are rarely this many times larger or smaller than those of others."""

_NEAR = 16
"""The least of many stored numbers is rarely this far from the one that stands for zero."""

_FEW = 16
"""With fewer vectors norms may be alike by chance, and no vote is taken."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """What was done to the codes of a layer, with the evidence for it.

    Attributes:
        representation: Phi, through which the vectors are inverted: the layer, with the other
            preprocessing and the transformations that were recognized.
        stored: the narrowest number type that holds the vectors exactly.
        transformations: what the codes went through.
        prepared: the name of the other preprocessing of the photos; empty for the network's own.
        scale: what vectors are divided by to be codes of `representation`.
        is_alike: whether the channels agree with those of the layer's codes.
        evidence: what this was concluded from, a line each.
    """

    representation: Representation
    stored: str
    transformations: tuple[Transformation, ...]
    prepared: str
    scale: float
    is_alike: bool
    evidence: tuple[str, ...]

    def __str__(self) -> str:
        layer = self.representation
        base = layer.base.name if isinstance(layer, Transformed) else layer.name
        if not self.is_alike:
            return f"not like codes of {base}: another network or preprocessing?"
        words = [_in_words(step) for step in self.transformations]
        words += [f"multiplied by {self.scale:.3g}"] if self.scale != 1 else []
        how = f", {', '.join(words)}" if words else ""
        prepared = f", of photos with {DESCRIPTIONS[self.prepared]}" if self.prepared else ""
        return f"codes of {base}{how}{prepared}; stored as {self.stored}"

    def codes(self, values: np.ndarray) -> Tensor:
        """Return stored vectors (N, L) as codes of `representation`, (N, ...)."""
        codes = torch.from_numpy(np.array(values, np.float32))
        if is_whole(values) and self.transformations:
            codes = self.transformations[-1].from_stored(codes)
        size = self.representation.default_size
        shape = (values.shape[1],) if size is None else self.representation.code_shape(*size)
        return (codes / self.scale).reshape(len(values), *shape)

    def describe(self) -> dict[str, Any]:
        """Return what was recognized as plain data, for JSON."""
        return {
            "words": str(self),
            "representation": self.representation.name,
            "stored": self.stored,
            "transformations": [step.name for step in self.transformations],
            "prepared": self.prepared,
            "scale": self.scale,
            "is_alike": self.is_alike,
            "evidence": list(self.evidence),
        }


def as_named(values: np.ndarray, representation: Transformed) -> Recognition:
    """Return as recognized what the name of a representation says of vectors (N, L)."""
    return Recognition(
        representation=representation,
        stored=storage(values),
        transformations=representation.transformations,
        prepared=representation.prepared or OWN,
        scale=1.0,
        is_alike=True,
        evidence=("the steps are taken as the name says",),
    )


def recognize(
    vectors: Vectors | np.ndarray,
    layer: Representation,
    *,
    reference: Reference | Sequence[str | Path] | None = None,
    projection: str | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Recognition:
    """Find out what was done to the codes of a layer that are stored as vectors.

    Args:
        vectors: a sample of them, (N, L), such as `ENOUGH`.
        layer: the layer whose codes they are said to be.
        reference: photos like those in the store, folders of them, or their codes. If None, the
            shipped photos.
        projection: the file of the matrix that they were multiplied by; see `Projection`.
        seed: the seed of the crops of the photos.
        progress: called after each crop, with the number of crops that are done, and of all.

    Raises:
        ImageError: if a photo cannot be used.
        OSError: if the file of the matrix cannot be read.
        ValueError: if the vectors hold NaN; if they are longer than codes of the layer, or shorter
            without being their first values and without a projection; or if the matrix does not
            fit.
    """
    values = vectors.values if isinstance(vectors, Vectors) else np.asarray(vectors)
    values = values.reshape(len(values), -1)
    if not np.isfinite(values).all():
        raise ValueError("the vectors hold NaN or infinite values: leave those out")
    matrix = None if projection is None else Projection.read(projection)
    _check_length(values, layer, matrix)
    if not isinstance(reference, Reference):
        paths = photo_paths(reference)
        reference = encode_reference(layer, paths, seed=seed, progress=progress)
    return _Search(values, layer, reference, matrix).result()


def _check_length(values: np.ndarray, layer: Representation, matrix: Projection | None) -> None:
    """Raise ValueError if vectors cannot be codes of the layer because of their length."""
    size = layer.default_size
    if size is None:
        raise ValueError(f"{layer.name} has codes of any length: vectors are those of networks")
    shape, length = layer.code_shape(*size), values.shape[1]
    if matrix is not None:
        (wanted,) = matrix.shape(shape)
        if length != wanted:
            raise ValueError(f"{matrix.name} makes vectors of {wanted} values, not of {length}")
    elif length > math.prod(shape):
        raise ValueError(
            f"the vectors have {length} values, but codes of {layer.name} have "
            f"{math.prod(shape)}: they are of another layer or network"
        )


class _Search:
    """The search for the transformations of vectors, one question after the other."""

    def __init__(
        self,
        values: np.ndarray,
        layer: Representation,
        reference: Reference,
        matrix: Projection | None,
    ) -> None:
        self._values, self._layer, self._reference = values, layer, reference
        self._stored, self._evidence = storage(values), list[str]()
        self._is_whole = is_whole(values)
        self._step = None if self._is_whole else rounding_step(values)
        whole_length = math.prod(reference.codes[OWN].shape[1:])
        self._cut: list[Transformation] = [] if matrix is None else [matrix]
        if matrix is None and values.shape[1] < whole_length:
            self._cut = [First(values.shape[1])]

    def result(self) -> Recognition:
        """Return what was recognized."""
        zero = self._zero()
        centered = self._values.astype(np.float64) - zero
        steps = self._steps(centered)
        agreement = compare_channels(centered, self._through(steps, OWN))
        self._evidence.append(f"{self._reference}: {agreement}")
        if not agreement.is_sure and self._cut and isinstance(self._cut[0], First):
            raise ValueError(self._needs_matrix(centered))
        prepared = self._vote(centered, steps) if agreement.is_sure else OWN
        scale = self._scale(centered, self._through(steps, prepared))
        rounding = self._rounding(scale, zero)
        every = (*steps, *rounding)
        is_changed = bool(every or prepared)
        return Recognition(
            representation=(
                Transformed(self._layer, every, prepared or None) if is_changed else self._layer
            ),
            stored=self._stored,
            transformations=every,
            prepared=prepared,
            scale=1.0 if self._is_whole and rounding else scale,
            is_alike=agreement.is_sure,
            evidence=tuple(self._evidence),
        )

    def _through(self, steps: Sequence[Transformation], name: str) -> np.ndarray:
        """Return the reference codes of a preprocessing after these steps, as vectors."""
        codes = self._reference.codes[name]
        for step in steps:
            codes = step(codes)
        found: np.ndarray = codes.flatten(1).numpy().astype(np.float64)
        return found

    def _zero(self) -> int:
        """Return the whole number that stands for zero; 0 for fractions."""
        if not self._is_whole or self._stored not in LEVELS:
            return 0
        values, codes = self._values.astype(np.float64), self._through(self._cut, OWN)
        low, high = values.min(), values.max()
        self._evidence.append(f"whole numbers from {low:g} to {high:g}")
        if codes.min() >= 0:
            return 0 if low >= 0 else _least_zero(low)
        moved = values.mean() - codes.mean() / codes.std() * values.std()
        return 0 if abs(moved) < values.std() / 4 else round(moved)  # 0 is usual

    def _steps(self, centered: np.ndarray) -> list[Transformation]:
        """Return the steps before any rounding."""
        norms = np.linalg.norm(centered, axis=1)
        of_codes = np.linalg.norm(self._through(self._cut, OWN), axis=1)
        self._evidence.append(
            f"norms {_range(norms)}; those of {self._reference} {_range(of_codes)}"
        )
        is_one = abs(norms.mean() - 1) <= self._tolerance
        if norms.std() <= self._tolerance * norms.mean() and (is_one or len(norms) >= _FEW):
            self._evidence.append("all norms are equal, as after a division by the norm")
            return [*self._cut, Unit()]
        if self._cut and not self._is_whole:
            before: list[Transformation] = [Unit(), *self._cut]
            of_units = np.linalg.norm(self._through(before, OWN), axis=1)
            if _ratio(norms, of_units) < _ratio(norms, of_codes):
                self._evidence.append(
                    f"norms of unit-norm codes after this step {_range(of_units)}"
                )
                return before
        return list(self._cut)

    @property
    def _tolerance(self) -> float:
        """The largest deviation of norms, over their mean, that are all the same."""
        return _CONSTANT_ROUNDED if self._is_whole or self._step is not None else _CONSTANT

    def _scale(self, centered: np.ndarray, codes: np.ndarray) -> float:
        """Return what vectors are divided by to have the norms of codes; 1 for usual fractions."""
        factor = _mean_norm(centered) / _mean_norm(codes)
        if self._is_whole:
            return factor
        norms = np.linalg.norm(codes, axis=1)
        least = self._tolerance if norms.std() <= _CONSTANT * norms.mean() else _UNLIKELY - 1
        if 1 / (1 + least) < factor < 1 + least:
            return 1.0
        self._evidence.append(f"the norms are {factor:.3g} times those of such codes: scaled")
        return factor

    def _needs_matrix(self, centered: np.ndarray) -> str:
        """Return the message for short vectors that are not the first values of codes."""
        looks = "like the result of PCA" if is_uncorrelated(centered) else "like a projection"
        length, whole = self._values.shape[1], math.prod(self._reference.codes[OWN].shape[1:])
        return (
            f"the vectors have {length} values, but codes of {self._layer.name} have {whole}, and "
            f"they are not the first {length} of these; they look {looks}: give the matrix with "
            "--projection FILE"
        )

    def _vote(self, vectors: np.ndarray, steps: Sequence[Transformation]) -> str:
        """Return the name of the preprocessing that the vectors look like."""
        if len(vectors) < _FEW:
            self._evidence.append(f"{len(vectors)} vectors are too few to tell the preprocessing")
            return OWN
        codes = {name: self._through(steps, name) for name in self._reference.codes}
        found = vote(vectors, codes, self._reference.photos)
        if found.name:
            verdict = "" if found.is_sure else ", not enough to say so"
            self._evidence.append(
                f"{found.share:.0%} of the vectors are nearer to codes of photos with "
                f"{DESCRIPTIONS[found.name]}; of the crops, {found.held_out:.0%} are told apart "
                f"rightly by other photos{verdict}"
            )
        return found.name if found.is_sure else OWN

    def _rounding(self, scale: float, zero: int) -> list[Transformation]:
        """Return the rounding to 8 bits as a list, empty if there was none."""
        if self._is_whole:
            if self._stored not in LEVELS:
                return []
            return [Quantized(self._stored, 1 / scale, zero)]
        if self._step is None:
            return []
        self._evidence.append(f"values are multiples of {self._step:.4g}: rounded to 8 bits")
        low = round(float(self._values.min()) / self._step)
        high = round(float(self._values.max()) / self._step)
        step = self._step / scale
        if low >= 0 and high <= LEVELS["uint8"][1]:
            return [Quantized("uint8", step)]
        least = LEVELS["int8"][0]
        return [Quantized("int8", step, min(max(0, least - low), LEVELS["int8"][1] - high))]


def _in_words(step: Transformation) -> str:
    """Return a transformation in words."""
    if isinstance(step, Quantized):
        zero = f", zero {step.zero}" if step.zero else ""
        return f"rounded to {step.kind} with scale {step.scale:.4g}{zero}"
    if isinstance(step, First):
        return f"cut to their first {step.length} values"
    if isinstance(step, Projection):
        return f"multiplied by the matrix {step.file}"
    return "divided by their norm"


def _least_zero(low: float) -> int:
    """Return the whole number that codes of zero have, if the least number is below zero."""
    usual = LEVELS["int8"][0]
    return usual if low - usual <= _NEAR else int(low)


def _mean_norm(vectors: np.ndarray) -> float:
    return float(np.linalg.norm(vectors, axis=1).mean())


def _range(norms: np.ndarray) -> str:
    return f"{norms.mean():.4g} ± {norms.std():.2g}"


def _ratio(one: np.ndarray, other: np.ndarray) -> float:
    """Return how far apart the means of two sets of norms are, as an absolute logarithm."""
    return abs(math.log(one.mean() / other.mean()))
