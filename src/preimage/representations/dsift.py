"""Dense SIFT, equal to VLFeat's `vl_dsift` with the flat window.

Lowe (IJCV 2004) on a regular grid, as described in section 4.1. Gradients are binned
bilinearly into 8 orientations and pooled into overlapping triangular cells, centered
`cell_size` pixels apart, with edge pixels replicated beyond the border. A descriptor is
4 x 4 neighboring cells, each weighted by the mean of a Gaussian over it. The descriptor is
divided by its Euclidean norm, clamped at 0.2 and divided by its new norm. Neighboring
descriptors lie 3 cells apart, so that they share a row or a column of cells.

Component o + 8 (bx + 4 by) of the 128 is orientation o of the cell in row by, column bx.

    >>> import torch
    >>> DSIFT()(torch.rand(2, 1, 64, 96) * 255).shape
    torch.Size([2, 128, 2, 3])
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from preimage.names import with_arguments
from preimage.preprocessing import GRAY, Preprocessing
from preimage.representations import gradients
from preimage.representations.descriptor import Descriptor
from preimage.representations.flat_regions import FlatRegions, find_flat_regions
from preimage.representations.gradients import VL_EPSILON, Binning, CellPooling
from preimage.representations.pooling_axis import AxisWeights

if TYPE_CHECKING:
    from preimage.representations.fused import Normalization

_Pair = tuple[int, int]
_BINS = 4
_CLAMP = 0.2
_WINDOW = 2.0
"""Width of the Gaussian window in cells, VLFeat's default."""


@final
class DSIFT(Descriptor):
    """Dense SIFT descriptors of 4 x 4 cells.

    Args:
        cell_size: side of a cell in pixels.
        step: pixels between neighboring descriptors; by default 3 cells, as in the paper.
        orientations: orientation bins around the circle, an even number.

    Raises:
        ValueError: if an argument is out of range, or an image is too small for one
            descriptor, which spans 3 cells and a pixel.
    """

    ignores_contrast = True

    def __init__(self, cell_size: int = 8, step: int | None = None, orientations: int = 8) -> None:
        super().__init__()
        step = 3 * cell_size if step is None else step
        if cell_size < 1 or step < 1:
            raise ValueError(f"cell_size and step must be positive, not {cell_size} and {step}")
        if orientations < 2 or orientations % 2:
            raise ValueError(f"orientations must be even and positive, not {orientations}")
        self.cell_size, self.step, self.orientations = cell_size, step, orientations
        self.preprocessing: Preprocessing = GRAY
        given = {"cell_size": cell_size, "step": step, "orientations": orientations}
        usual = {"cell_size": 8, "step": 3 * cell_size, "orientations": 8}
        self.name = with_arguments("dsift", given, usual)

    @property
    def stride(self) -> int:
        """The step between neighboring descriptors."""
        return self.step

    def extra_repr(self) -> str:
        """Return the parameters, for `repr`."""
        cells = f"cell_size={self.cell_size}, step={self.step}"
        return f"{cells}, orientations={self.orientations}"

    def plain(self, x: Tensor) -> Tensor:
        """Return the codes of `forward` by autograd alone: slower code, written for reading."""
        return normalize_descriptors(self._blocks(gradients.cell_histograms_plain(*self._cells(x))))

    def _cells(self, x: Tensor) -> tuple[Tensor, Binning, CellPooling]:
        height, width = x.shape[-2:]
        self.code_shape(height, width)
        binning = Binning(self.orientations, 1, "cubic", "one-sided")
        return x[:, 0], binning, self._pooling((height, width), x)

    def _normalize(self, cells: Tensor) -> Tensor:
        code: Tensor = _Normalization.apply(self._blocks(cells))
        return code

    def _normalization(self) -> Normalization:
        from preimage.representations.fused import Descriptors

        return Descriptors(_window(self.cell_size), self._spacing(), _CLAMP, VL_EPSILON)

    def _pooling(self, size: tuple[int, int], like: Tensor) -> CellPooling:
        grid = (self.cell_size, self.step)
        return _pooling(size, grid, self.orientations, like.dtype, like.device)

    def flat_regions(self, codes: Tensor, size: tuple[int, int]) -> list[FlatRegions | None]:
        """See `Representation.flat_regions`."""
        pooling = self._pooling(size, codes)
        apart, step = self._spacing()
        cells = [len(matrix) for matrix in (pooling.rows, pooling.columns)]
        empty = torch.zeros(len(codes), *cells, dtype=torch.bool, device=codes.device)
        blocks = (codes == 0).unflatten(1, (_BINS, _BINS, self.orientations)).all(3)
        height, width = blocks.shape[-2:]
        for by in range(_BINS):
            for bx in range(_BINS):
                rows = slice(by * apart, by * apart + (height - 1) * step + 1, step)
                columns = slice(bx * apart, bx * apart + (width - 1) * step + 1, step)
                empty[:, rows, columns] |= blocks[:, by, bx]
        return find_flat_regions(empty, pooling)

    def code_shape(self, height: int, width: int) -> tuple[int, ...]:
        """Return (16 * orientations, H', W') with H' = (H - 3 * cell_size - 1) // step + 1."""
        least = (_BINS - 1) * self.cell_size + 1
        if min(height, width) < least:
            raise ValueError(
                f"dsift with cells of {self.cell_size} pixels needs an image of at least "
                f"{least} x {least} pixels, not {height} x {width}"
            )
        frames = [(n - least) // self.step + 1 for n in (height, width)]
        return (self.orientations * _BINS**2, *frames)

    def image_size(self, code_shape: tuple[int, ...]) -> tuple[int, int]:
        """Return the smallest size that holds all descriptors."""
        least = (_BINS - 1) * self.cell_size + 1
        return (code_shape[-2] - 1) * self.step + least, (code_shape[-1] - 1) * self.step + least

    def _spacing(self) -> tuple[int, int]:
        """Return the spacing of a descriptor's cells and that of descriptors, in pooled cells."""
        grid = math.gcd(self.cell_size, self.step)
        return self.cell_size // grid, self.step // grid

    def _blocks(self, cells: Tensor) -> Tensor:
        """Gather pooled cells (N, K, H', W') into weighted blocks of 4 x 4 cells (N, 16 K, ...)."""
        apart, step = self._spacing()
        span = (_BINS - 1) * apart + 1
        blocks = cells.unfold(2, span, step).unfold(3, span, step)[..., ::apart, ::apart]
        window = torch.tensor(_window(self.cell_size), dtype=cells.dtype, device=cells.device)
        blocks = blocks.permute(0, 4, 5, 1, 2, 3) * window.view(1, _BINS, _BINS, 1, 1, 1)
        return blocks.flatten(1, 3)


def normalize_descriptors(blocks: Tensor) -> Tensor:
    """Divide blocks by their norms, clamp at 0.2, and divide again; written for reading."""
    code = blocks / (_norm(blocks) + VL_EPSILON)
    code = code.clamp(max=_CLAMP)
    return code / (_norm(code) + VL_EPSILON)


def _norm(code: Tensor) -> Tensor:
    """Return the Euclidean norm over the components; the gradient of a zero norm is zero."""
    squares = (code**2).sum(1, keepdim=True)
    empty = squares == 0
    return squares.masked_fill(empty, 1).sqrt().masked_fill(empty, 0)


class _Normalization(torch.autograd.Function):
    """A fast `normalize_descriptors` with a gradient written by hand."""

    @staticmethod
    def forward(ctx: Any, blocks: Tensor) -> Tensor:
        first = torch.linalg.vector_norm(blocks, dim=1, keepdim=True)
        unit = blocks / (first + VL_EPSILON)
        clamped = unit.clamp(max=_CLAMP)
        second = torch.linalg.vector_norm(clamped, dim=1, keepdim=True)
        code = clamped.div_(second + VL_EPSILON)
        ctx.save_for_backward(unit, first, code, second)
        return code

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        unit, first, code, second = ctx.saved_tensors
        grad = _division_adjoint(grad, code, second).masked_fill_(unit > _CLAMP, 0)
        return _division_adjoint(grad, unit, first)


def _division_adjoint(grad: Tensor, unit: Tensor, norm: Tensor) -> Tensor:
    """Return the gradient with respect to v, where unit = v / (norm + epsilon), norm = |v|."""
    divisor = norm + VL_EPSILON
    along = torch.linalg.vecdot(grad, unit, dim=1).unsqueeze(1)
    along *= divisor / norm.clamp(min=torch.finfo(norm.dtype).tiny)
    return torch.addcmul(grad, unit, along, value=-1).div_(divisor)


@lru_cache(maxsize=8)
def _window(cell: int) -> tuple[float, ...]:
    """Return the weights of the 4 x 4 cells, row by row: a Gaussian averaged over each cell."""
    taps = np.arange(-cell + 1, cell)
    centers = cell * (np.arange(_BINS) - (_BINS - 1) / 2)
    mean = np.exp(-0.5 * ((taps - centers[:, None]) / (_WINDOW * cell)) ** 2).mean(1)
    return tuple(np.outer(mean, mean).ravel().tolist())


@lru_cache(maxsize=8)
def _pooling(
    size: _Pair, grid: _Pair, orientations: int, dtype: torch.dtype, device: torch.device
) -> CellPooling:
    like = torch.empty(0, dtype=dtype, device=device)
    rows, columns = (_axis(length, *grid) for length in size)
    return CellPooling.build(rows, columns, orientations, like)


def _axis(length: int, cell: int, step: int) -> AxisWeights:
    """Return triangular weights of pixels in cells; edge pixels are replicated outward."""
    span = (_BINS - 1) * cell
    last = (length - 1 - span) // step * step + span
    centers = range(0, last + 1, math.gcd(cell, step))
    pixels: list[dict[int, float]] = [{} for _ in range(length)]
    for index, center in enumerate(centers):
        for tap in range(-cell + 1, cell):
            of_pixel = pixels[min(max(center + tap, 0), length - 1)]
            of_pixel[index] = of_pixel.get(index, 0.0) + (cell - abs(tap)) / cell
    return AxisWeights.from_pixels(pixels, len(centers))
