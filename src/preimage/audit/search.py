"""The search for what was done to stored vectors, one question after the other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from preimage.audit.evidence import (
    compare_channels,
    is_uncorrelated,
    is_whole,
    rounding_step,
    storage,
    vote,
)
from preimage.audit.reference import OWN, Reference
from preimage.representations.base import Representation
from preimage.representations.transformations import (
    LEVELS,
    First,
    Projection,
    Quantized,
    Transformation,
    Unit,
)

_CONSTANT = 0.003
"""The largest deviation of norms, over their mean, that are all the same."""

_CONSTANT_ROUNDED = 0.02
"""The same, of vectors that were rounded to 8 bits."""


_UNLIKELY = 4.0
"""Norms of codes of photos are rarely this many times larger or smaller than those of others."""

_NEAR = 16
"""The least of many stored numbers is rarely this far from the one that stands for zero."""

FEW = 16
"""With fewer vectors norms may be alike by chance, and no vote is taken."""


class Found(NamedTuple):
    """The outcome of a search; `preimage.audit.recognition.Recognition` explains the fields."""

    transformations: tuple[Transformation, ...]
    prepared: str
    scale: float
    stored: str
    is_alike: bool
    evidence: tuple[str, ...]


class Search:
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

    def result(self) -> Found:
        """Return what was found.

        Raises:
            ValueError: if short vectors are not the first values of codes, and no matrix is given.
        """
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
        return Found(
            transformations=(*steps, *rounding),
            prepared=prepared,
            scale=1.0 if self._is_whole and rounding else scale,
            stored=self._stored,
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
        if norms.std() <= self._tolerance * norms.mean() and (is_one or len(norms) >= FEW):
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
        """Return the message for short vectors that do not seem to be the first values of codes."""
        looks = "like the result of PCA" if is_uncorrelated(centered) else "like a projection"
        length, whole = self._values.shape[1], math.prod(self._reference.codes[OWN].shape[1:])
        name = self._layer.name
        return (
            f"the vectors have {length} values, but codes of {name} have {whole}; they look "
            f"{looks}: give the matrix with --projection FILE; or, if you know that they are the "
            f"first {length} values, name that step: --rep '{name}|first:{length}'"
        )

    def _vote(self, vectors: np.ndarray, steps: Sequence[Transformation]) -> str:
        """Return the name of the preprocessing that the vectors look like."""
        if len(vectors) < FEW:
            self._evidence.append(
                f"too few vectors ({len(vectors)}) to tell the preprocessing: it takes {FEW}"
            )
            return OWN
        codes = {name: self._through(steps, name) for name in self._reference.codes}
        found = vote(vectors, codes, self._reference.photos)
        if found.name:
            self._evidence.append(str(found))
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
