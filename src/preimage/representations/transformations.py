"""Transformations of codes as stores of vectors apply them: parts of Phi, by name.

plain           nothing: codes as they are
unit            each code divided by its Euclidean norm
first:64        only the first 64 values
pca:FILE        a product with the matrix in a file (.npy, .npz), less a mean if the file has one
int8:0.02,-128  rounded to 8 bits: a scale, and the number that stands for zero (0 if left out)

Codes of several axes are flattened by `first` and `pca`.
"""

from __future__ import annotations

import io
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeVar, final

import numpy as np
import torch
from torch import Tensor

from preimage.checks import finite, whole
from preimage.decoding import read_npy
from preimage.files import check_archive, check_is_file
from preimage.names import unknown

LEVELS = {"int8": (-128, 127), "uint8": (0, 255)}
"""The least and the largest whole number of each kind of 8 bits."""

_EXAMPLES = ("plain", "unit", "first:64", "pca:FILE", "int8:SCALE", "uint8:SCALE")
_Number = TypeVar("_Number", int, float)
_MATRIX_KEYS = ("components", "matrix")

_RECIPE = (
    "a projection is an .npy or .npz file, such as of scikit-learn's PCA p: "
    "np.savez('pca.npz', components=p.components_, mean=p.mean_)"
)
"""The end of a message about a file that is no matrix."""


class Transformation(ABC):
    """A map of codes (N, ...) to codes, differentiable almost everywhere.

    Attributes:
        flattens: whether its codes are vectors (N, L), whatever codes go in.
    """

    flattens: ClassVar[bool] = False

    @property
    @abstractmethod
    def name(self) -> str:
        """The name that `parse_transformation` reads."""

    @abstractmethod
    def __call__(self, codes: Tensor) -> Tensor:
        """Return the transformed codes of the codes (N, ...)."""

    def shape(self, code_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of a transformed code; raise ValueError if a code does not fit."""
        return code_shape

    def from_stored(self, values: Tensor) -> Tensor:
        """Return the codes that stored whole numbers (N, ...) stand for."""
        return values


@final
@dataclass(frozen=True, slots=True)
class Plain(Transformation):
    """No change, which says that codes are stored as they are."""

    @property
    def name(self) -> str:
        """See `Transformation.name`."""
        return "plain"

    def __call__(self, codes: Tensor) -> Tensor:
        """See `Transformation`."""
        return codes


@final
@dataclass(frozen=True, slots=True)
class Unit(Transformation):
    """Division of each code by its Euclidean norm; the loss is then 2 - 2 cos of the angle.

    >>> Unit()(torch.tensor([[3.0, 4.0]])).tolist()
    [[0.6000000238418579, 0.800000011920929]]
    """

    @property
    def name(self) -> str:
        """See `Transformation.name`."""
        return "unit"

    def __call__(self, codes: Tensor) -> Tensor:
        """See `Transformation`; a code that is zero stays zero."""
        norms = torch.stack([code.norm() for code in codes])  # the same bits in any batch
        least = torch.finfo(codes.dtype).tiny
        return codes / norms.clamp_min(least).view(-1, *[1] * (codes.ndim - 1))


@final
@dataclass(frozen=True, slots=True)
class First(Transformation):
    """Truncation of each code to its first values, as of Matryoshka embeddings.

    >>> First(2)(torch.tensor([[3.0, 4.0, 5.0]])).tolist()
    [[3.0, 4.0]]
    """

    length: int
    flattens: ClassVar[bool] = True

    def __post_init__(self) -> None:
        whole("the length of first", self.length, least=1)

    @property
    def name(self) -> str:
        """See `Transformation.name`."""
        return f"first:{self.length}"

    def __call__(self, codes: Tensor) -> Tensor:
        """See `Transformation`."""
        return codes.flatten(1)[:, : self.length]

    def shape(self, code_shape: tuple[int, ...]) -> tuple[int, ...]:
        """See `Transformation.shape`."""
        if math.prod(code_shape) < self.length:
            raise ValueError(
                f"{self.name} needs codes of at least {self.length} values, not of "
                f"{math.prod(code_shape)}"
            )
        return (self.length,)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Projection(Transformation):
    """The product of a matrix (L, K) and a code of K values, less a mean: PCA, or a random map.

    >>> Projection("x.npy", torch.tensor([[1.0, 1.0]]))(torch.tensor([[3.0, 4.0]])).tolist()
    [[7.0]]
    """

    file: str
    matrix: Tensor
    mean: Tensor | None = None
    flattens: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """See `Transformation.name`."""
        return f"pca:{self.file}"

    @classmethod
    def read(cls, file: str) -> Projection:
        """Read a matrix from an .npy file, or from an .npz file, where it can have a `mean`.

        In an .npz file the matrix is called `components` or `matrix`; a single array may have any
        name. A matrix (K, L) with fewer columns than rows is taken as (L, K), transposed.

        Raises:
            OSError: if the file cannot be read.
            ValueError: if it holds no matrix of finite numbers, or a mean that does not fit.
        """
        path = Path(file).expanduser()
        check_is_file(path)
        matrix, mean = (
            None if array is None else torch.tensor(array, dtype=torch.float64, device="cpu")
            for array in _read_matrix(path)
        )
        if matrix is None or matrix.ndim != 2 or not matrix.numel() or not _is_finite(matrix):
            raise ValueError(f"{file}: a projection is a matrix of finite numbers")
        matrix = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
        if mean is not None and (mean.numel() != matrix.shape[1] or not _is_finite(mean)):
            raise ValueError(
                f"{file}: the mean has {mean.numel()} values, but the matrix is for codes of "
                f"{matrix.shape[1]}"
            )
        return cls(file, matrix, None if mean is None else mean.flatten())

    def __call__(self, codes: Tensor) -> Tensor:
        """See `Transformation`."""
        matrix = self.matrix.to(codes)
        flat = codes.flatten(1)
        flat = flat if self.mean is None else flat - self.mean.to(codes)
        return torch.stack([matrix @ code for code in flat])  # the same bits in any batch

    def shape(self, code_shape: tuple[int, ...]) -> tuple[int, ...]:
        """See `Transformation.shape`."""
        length, wanted = self.matrix.shape
        if math.prod(code_shape) != wanted:
            raise ValueError(
                f"{self.name}: a matrix of {length} x {wanted} is for codes of {wanted} values, "
                f"not of {math.prod(code_shape)}"
            )
        return (length,)


@final
@dataclass(frozen=True, slots=True)
class Quantized(Transformation):
    """Rounding to whole numbers of 8 bits, in the units of the code, with a straight gradient.

    A value v is stored as round(v / scale) + zero, clipped to the range of `kind`, and stands for
    (stored - zero) * scale. Codes whose gradients are recorded are clipped and not rounded, because
    the steps of rounded codes stop a line search early.

    >>> Quantized("int8", 0.5)(torch.tensor([[0.7, 99.0]])).tolist()
    [[0.5, 63.5]]
    """

    kind: str
    scale: float
    zero: int = 0

    def __post_init__(self) -> None:
        if self.kind not in LEVELS:
            raise ValueError(unknown("kind of 8 bits", self.kind, LEVELS))
        finite(f"the scale of {self.kind}", self.scale, is_positive=True)
        whole(f"the zero of {self.kind}", self.zero, least=-(2**15), most=2**15)

    @property
    def name(self) -> str:
        """See `Transformation.name`."""
        return f"{self.kind}:{self.scale:.6g}" + (f",{self.zero}" if self.zero else "")

    def __call__(self, codes: Tensor) -> Tensor:
        """See `Transformation`."""
        low, high = LEVELS[self.kind]
        within = codes.clamp((low - self.zero) * self.scale, (high - self.zero) * self.scale)
        return within if codes.requires_grad else (within / self.scale).round() * self.scale

    def from_stored(self, values: Tensor) -> Tensor:
        """See `Transformation.from_stored`."""
        return (values - self.zero) * self.scale


_WITHOUT_PARAMETERS: dict[str, type[Transformation]] = {"plain": Plain, "unit": Unit}


def parse_transformation(text: str) -> Transformation:
    """Return the transformation of a name.

    Raises:
        OSError: if the file of a matrix cannot be read.
        ValueError: if there is no such transformation, or its parameters are wrong.

    >>> parse_transformation("int8:0.5,3")
    Quantized(kind='int8', scale=0.5, zero=3)
    """
    kind, _, given = text.strip().partition(":")
    if kind == "pca" and given:
        return Projection.read(given)
    try:
        if kind in _WITHOUT_PARAMETERS and not given:
            return _WITHOUT_PARAMETERS[kind]()
        if kind == "first" and given:
            return First(_parse_number(given, int))
        if kind in LEVELS and given:
            scale, _, zero = given.partition(",")
            number = _parse_number(zero or "0", int)
            return Quantized(kind, _parse_number(scale, float), number)
    except ValueError as error:
        raise ValueError(f"step {text!r}: {error}") from None
    raise ValueError(unknown("step", text, _EXAMPLES))


def _parse_number(text: str, kind: type[_Number]) -> _Number:
    """Return the number in a text; raise ValueError if there is none."""
    try:
        return kind(text)
    except ValueError:
        wanted = "a whole number" if kind is int else "a number"
        raise ValueError(f"{text!r} is not {wanted}") from None


def _is_finite(values: Tensor) -> bool:
    return bool(values.isfinite().all())


def _read_matrix(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the matrix in a file, and the mean if there is one."""
    try:
        if path.suffix != ".npz":
            return read_npy(io.BytesIO(path.read_bytes())), None
        check_archive(path)
        with np.load(path) as file:
            names = [name for name in file.files if name != "mean"]
            known = [name for name in _MATRIX_KEYS if name in names] or names
            if len(known) != 1:
                raise ValueError(f"needs one array called {' or '.join(_MATRIX_KEYS)}")
            return file[known[0]], file["mean"] if "mean" in file.files else None
    except ValueError as error:
        raise ValueError(f"{path}: {error}; {_RECIPE}") from None
