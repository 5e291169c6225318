"""Codes of HOG and dense SIFT by compiled kernels, and their gradient, image by image.

`FusedCodes` joins `cell_kernels`, which read and write the image once, with one of the
normalizations of `code_kernels`. Importing this module needs numba.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from preimage.representations import cell_kernels, code_kernels
from preimage.representations.cell_kernels import Rule, Weights
from preimage.representations.gradients import Binning, CellPooling

Array = NDArray[Any]

_DEGREES = {"float32": 4, "float64": 10}
"""Degree of the polynomial p in atan(r) = r p(r^2) at which its error is below that of rounding."""


class Normalization(Protocol):
    """The way from the cells (K, ..., ...) of an image to its code, and back."""

    def apply(self, cells: Array, code: Array) -> Any:
        """Write the code; return what `adjoint` needs."""

    def adjoint(self, cells: Array, kept: Any, d_code: Array, d_cells: Array) -> None:
        """Write the gradient of the cells, given that of the code."""


class Blocks(NamedTuple):
    """HOG's normalization; see `hog.normalize_blocks`."""

    clamp: float
    epsilon: float

    def apply(self, cells: Array, code: Array) -> Array:
        """Write the code; return the blocks' factors."""
        return code_kernels.normalize_blocks(cells, self.clamp, self.epsilon, code)

    def adjoint(self, cells: Array, kept: Array, d_code: Array, d_cells: Array) -> None:
        """Write the gradient of the cells, given that of the code."""
        code_kernels.unnormalize_blocks(cells, kept, self.clamp, d_code, d_cells)


class Descriptors(NamedTuple):
    """Dense SIFT's normalization; see `dsift.normalize_descriptors`."""

    window: tuple[float, ...]
    spacing: tuple[int, int]
    clamp: float
    epsilon: float

    def apply(self, cells: Array, code: Array) -> None:
        """Write the code; nothing needs to be kept."""
        window, limits = self._numbers(cells)
        code_kernels.normalize_descriptors(cells, window, self.spacing, limits, code)

    def adjoint(self, cells: Array, kept: None, d_code: Array, d_cells: Array) -> None:
        """Write the gradient of the cells, given that of the code."""
        window, limits = self._numbers(cells)
        code_kernels.unnormalize_descriptors(cells, window, self.spacing, limits, d_code, d_cells)

    def _numbers(self, cells: Array) -> tuple[Array, Array]:
        return np.array(self.window, cells.dtype), np.array([self.clamp, self.epsilon], cells.dtype)


def serves(x: Tensor) -> bool:
    """Return whether the kernels take images like `x`: float32 or float64 on a CPU."""
    return x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64)


class FusedCodes:
    """The codes of images (N, H, W), and what their gradient needs; see `serves`.

    Args:
        x: the images.
        binning: how gradients are binned.
        pooling: where the cells lie.
        normalization: the way from cells to codes.
        shape: the shape of a code.

    Attributes:
        codes: the codes, (N, *shape).
    """

    def __init__(
        self,
        x: Tensor,
        binning: Binning,
        pooling: CellPooling,
        normalization: Normalization,
        shape: tuple[int, ...],
    ) -> None:
        self._rule = _rule(binning, x.dtype)
        self._weights = _weights(pooling, binning.orientations, x.dtype)
        self._normalization = normalization
        self._cells = (binning.orientations, len(pooling.rows), len(pooling.columns))
        self._images = x.detach().contiguous()
        self.codes = x.new_empty(len(x), *shape)
        pairs = zip(self._images.numpy(), self.codes.numpy(), strict=True)
        self._kept = [self._encode(image, code) for image, code in pairs]

    def _encode(self, image: Array, code: Array) -> tuple[Array, Array, Array, Any]:
        """Write the code of an image; return what its gradient needs."""
        slots, shares = np.empty(image.shape, np.uint8), np.empty_like(image)
        cells = np.empty(self._cells, image.dtype)
        cell_kernels.pool(image, self._rule, self._weights, slots, shares, cells)
        return slots, shares, cells, self._normalization.apply(cells, code)

    def gradient(self, d_codes: Tensor) -> Tensor:
        """Return the gradient (N, H, W) of the images, given that of their codes."""
        found = torch.empty_like(self._images)
        arrays = (self._images.numpy(), d_codes.contiguous().numpy(), found.numpy())
        for image, d_code, d_image, kept in zip(*arrays, self._kept, strict=True):
            slots, shares, cells, normalized = kept
            d_cells = np.empty_like(cells)
            self._normalization.adjoint(cells, normalized, d_code, d_cells)
            cell_kernels.spread(image, self._rule, self._weights, slots, shares, d_cells, d_image)
        return found


class Differentiable(torch.autograd.Function):
    """An autograd function for codes that kernels compute; there is no second derivative."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, encode: Callable[[Tensor], FusedCodes]) -> Tensor:
        """Return the codes of images (N, H, W)."""
        ctx.fused = encode(x)
        codes: Tensor = ctx.fused.codes
        return codes

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_codes: Tensor) -> tuple[Tensor, None]:
        """Return the gradient of the images."""
        return ctx.fused.gradient(d_codes), None


@lru_cache(maxsize=32)
def _rule(binning: Binning, dtype: torch.dtype) -> Rule:
    number: Callable[[float], np.floating[Any]] = _numpy_type(dtype).type
    in_radian = binning.orientations / (2 * math.pi)
    return Rule(
        binning.border == "one-sided",
        binning.angle == "cubic",
        binning.orientations,
        number(in_radian),
        number(binning.softness),
        number(binning.orientations * torch.finfo(dtype).eps),
        number(in_radian / (binning.softness or 1)),
        _arctangent(dtype),
    )


@lru_cache(maxsize=2)
def _arctangent(dtype: torch.dtype) -> Array:
    """Return the coefficients of p in atan(r) = r p(r^2), which interpolates at Chebyshev points.

    >>> p, r = _arctangent(torch.float64), 0.4
    >>> bool(abs(r * np.polyval(p, r**2) - np.arctan(r)) < 1e-15)
    True
    """
    numpy_type = _numpy_type(dtype)
    interpolated = np.polynomial.Chebyshev.interpolate(
        lambda square: np.arctan(np.sqrt(square)) / np.sqrt(square),
        _DEGREES[numpy_type.name],
        [0, math.tan(math.pi / 8) ** 2],
    )
    powers = interpolated.convert(kind=np.polynomial.Polynomial).coef
    return np.ascontiguousarray(powers[::-1].astype(numpy_type))


@lru_cache(maxsize=8)
def _weights(pooling: CellPooling, bins: int, dtype: torch.dtype) -> Weights:
    numpy_type = _numpy_type(dtype)
    rows, columns = pooling.rows.weights, pooling.columns.weights
    odd = ((0, len(columns.cells) % 2), (0, 0))
    return Weights(
        rows.cells.astype(np.int32),
        rows.values.astype(numpy_type),
        np.pad(columns.cells * (bins + 2), odd).astype(np.int32),
        np.pad(columns.values, odd).astype(numpy_type),
    )


def _numpy_type(dtype: torch.dtype) -> np.dtype[Any]:
    return np.dtype("float32" if dtype == torch.float32 else "float64")
