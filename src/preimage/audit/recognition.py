"""Recognition of what was done to codes on their way into a store of vectors.

Stored vectors are compared with codes of reference photos, before anything is inverted: number
type, norms and lengths say which transformation they went through; likeness of the channels says
whether they are codes of the layer at all; and a vote says with which preprocessing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from preimage.audit.evidence import storage
from preimage.audit.lengths import check_length, code_shape
from preimage.audit.reference import OWN, Reference, encode_reference
from preimage.audit.search import Search
from preimage.audit.vectors import Vectors
from preimage.photo_files import photo_paths
from preimage.representations.base import Representation
from preimage.representations.other_preprocessing import DESCRIPTIONS
from preimage.representations.transformations import (
    LEVELS,
    First,
    Plain,
    Projection,
    Quantized,
    Transformation,
)
from preimage.representations.transformed import Transformed

ENOUGH = 256
"""The number of vectors that are compared with codes of photos. With 64, the first 64 values of
codes are not always told from unrelated channels."""

_ROUNDED = {"float16": torch.float16, "bfloat16": torch.bfloat16}
"""The number types that round codes; 8 bits are a transformation."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """The transformations that stored codes of a layer went through, with the evidence for them.

    Attributes:
        representation: Phi, through which the vectors are inverted: the layer, with the other
            preprocessing and the transformations that were recognized.
        stored: the narrowest number type that holds the vectors exactly.
        transformations: what the codes went through.
        prepared: the name of the other preprocessing of the photos; empty for the network's own.
        scale: what vectors are divided by to be codes of `representation`.
        is_alike: whether the channels agree with those of the layer's codes.
        evidence: what this was concluded from, a line each.
        is_named: whether the name of the representation says so, and nothing was compared.
    """

    representation: Representation
    stored: str
    transformations: tuple[Transformation, ...]
    prepared: str
    scale: float
    is_alike: bool
    evidence: tuple[str, ...]
    is_named: bool = False

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
        if self.stored in LEVELS and self.transformations:
            codes = self.transformations[-1].from_stored(codes)
        return (codes / self.scale).reshape(len(values), *code_shape(self.representation))

    def through_store(self, codes: Tensor) -> Tensor:
        """Return codes of `representation` as the store's number type gives them back."""
        values, kind = codes * self.scale, _ROUNDED.get(self.stored)
        return (values if kind is None else values.to(kind).to(codes)) / self.scale

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
            "is_named": self.is_named,
            "evidence": list(self.evidence),
        }


def as_named(values: np.ndarray, representation: Transformed) -> Recognition:
    """Return as recognized what the name of a representation says of vectors (N, L).

    Raises:
        ValueError: if codes of the representation have another length.
    """
    check_length(values.shape[1], representation)
    return Recognition(
        representation=representation,
        stored=storage(values),
        transformations=representation.transformations,
        prepared=representation.prepared or OWN,
        scale=1.0,
        is_alike=True,
        evidence=("the name of the representation says so; this was not checked",),
        is_named=True,
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
    check_length(values.shape[1], layer, matrix, may_be_first=True)
    if not isinstance(reference, Reference):
        paths = photo_paths(reference)
        reference = encode_reference(layer, paths, seed=seed, progress=progress)
    found = Search(values, layer, reference, matrix).result()
    phi = layer
    if found.transformations or found.prepared:
        phi = Transformed(layer, found.transformations, found.prepared or None)
    return Recognition(phi, **found._asdict())


def _in_words(step: Transformation) -> str:
    """Return a transformation in words."""
    if isinstance(step, Quantized):
        zero = f", zero {step.zero}" if step.zero else ""
        return f"rounded to {step.kind} with scale {step.scale:.4g}{zero}"
    if isinstance(step, Plain):
        return "as they are"
    if isinstance(step, First):
        return f"cut to their first {step.length} values"
    if isinstance(step, Projection):
        return f"multiplied by the matrix {step.file}"
    return "divided by their norm"
