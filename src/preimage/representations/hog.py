"""Histograms of oriented gradients, the UoCTTI variant, equal to VLFeat's `vl_hog`.

Dalal & Triggs (CVPR 2005) as extended by Felzenszwalb et al. (PAMI 2010) and described
in section 4.1. Directed gradients h (K = 2 x 9 bins) are pooled into cells; undirected
ones are the sums u_o = h_o + h_(o+9). A cell belongs to four blocks of 2 x 2 cells, whose
factors are f = (sum over the block of |u|^2 + 1e-4)^(-1/2), with border cells replicated.
The code of a cell is half the sum over its four blocks of min(f h, 0.2) and min(f u, 0.2):
27 components. The 4 texture components of the original are left out, as in the paper.

HOG bins each gradient into the nearest orientation, HOGb (`bilinear=True`) into the two
nearest.

    >>> import torch
    >>> hog = HOG()
    >>> hog(torch.rand(2, 1, 64, 96) * 255).shape
    torch.Size([2, 27, 8, 12])
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from preimage.names import with_arguments
from preimage.preprocessing import GRAY, Preprocessing
from preimage.representations import gradients
from preimage.representations.descriptor import Descriptor
from preimage.representations.flat_regions import FlatRegions, find_flat_regions
from preimage.representations.gradients import Binning, CellPooling
from preimage.representations.hog_glyphs import draw_glyphs
from preimage.representations.pooling_axis import AxisWeights

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    from preimage.representations.fused import Normalization

_CLAMP = 0.2
_BLOCK_EPSILON = 1e-4


@final
class HOG(Descriptor):
    """HOG (hard orientation binning) or HOGb (bilinear).

    >>> HOG().name, HOG(bilinear=True).name, HOG(cell_size=4).name
    ('hog', 'hogb', 'hog:cell_size=4')

    Args:
        cell_size: side of a cell in pixels.
        orientations: number of undirected orientations; the code has 3 times as many components.
        bilinear: share each gradient between the two nearest orientations (HOGb).
        softness: width of the ramp between neighboring orientations, from 0 (hard) to 1
            (bilinear); values between are smooth surrogates of hard binning. Overrides `bilinear`.

    Raises:
        ValueError: if an argument is out of range, or an image is too small for one cell.
    """

    ignores_contrast = True

    def __init__(
        self,
        cell_size: int = 8,
        orientations: int = 9,
        *,
        bilinear: bool = False,
        softness: float | None = None,
    ) -> None:
        super().__init__()
        if cell_size < 1 or orientations < 1:
            both = f"{cell_size} and {orientations}"
            raise ValueError(f"cell_size and orientations must be positive, not {both}")
        if softness is not None and not 0 <= softness <= 1:
            raise ValueError(f"softness must lie between 0 and 1, not {softness}")
        self.cell_size, self.orientations = cell_size, orientations
        self.softness = float(bilinear) if softness is None else float(softness)
        self.preprocessing: Preprocessing = GRAY
        given = {"cell_size": cell_size, "orientations": orientations, "softness": self.softness}
        name, binning = ("hogb", 1) if self.softness == 1 else ("hog", 0)
        usual = {"cell_size": 8, "orientations": 9, "softness": binning}
        self.name = with_arguments(name, given, usual)

    @property
    def stride(self) -> int:
        """The side of a cell."""
        return self.cell_size

    def extra_repr(self) -> str:
        """Return the parameters, for `repr`."""
        cells = f"cell_size={self.cell_size}, orientations={self.orientations}"
        return f"{cells}, softness={self.softness:g}"

    def plain(self, x: Tensor) -> Tensor:
        """Return the codes of `forward` by autograd alone: slower code, written for reading."""
        return normalize_blocks(gradients.cell_histograms_plain(*self._cells(x)))

    def glyphs(self, code: Tensor | np.ndarray) -> Image.Image:
        """Draw a code (3 K, H, W) as lines along the edges that it has counted.

        Raises:
            ValueError: if the code has another shape.
        """
        drawn = draw_glyphs(code, self.orientations)[None]
        return self.preprocessing.to_pil(drawn - self.preprocessing.to_255(torch.zeros_like(drawn)))

    def _cells(self, x: Tensor) -> tuple[Tensor, Binning, CellPooling]:
        height, width = x.shape[-2:]
        self.code_shape(height, width)
        binning = Binning(2 * self.orientations, self.softness, "exact", "zero")
        return x[:, 0], binning, self._pooling((height, width), x)

    def _pooling(self, size: tuple[int, int], like: Tensor) -> CellPooling:
        return _pooling(*size, self.cell_size, self.orientations, like.dtype, like.device)

    def relaxed(self, softness: float) -> HOG:
        """Return HOG with this softness; a HOG that is soft already, such as HOGb, stays as is."""
        if self.softness > 0:
            return self
        relaxed = HOG(self.cell_size, self.orientations, softness=softness)
        relaxed._fuses = self._fuses
        return relaxed

    def _normalize(self, cells: Tensor) -> Tensor:
        code: Tensor = _BlockNormalization.apply(cells)
        return code

    def _normalization(self) -> Normalization:
        from preimage.representations.fused import Blocks

        return Blocks(_CLAMP, _BLOCK_EPSILON)

    def flat_regions(self, codes: Tensor, size: tuple[int, int]) -> list[FlatRegions | None]:
        """See `Representation.flat_regions`."""
        return find_flat_regions((codes == 0).all(1), self._pooling(size, codes))

    def code_shape(self, height: int, width: int) -> tuple[int, ...]:
        """Return (3 * orientations, H', W') with H' = (H + cell_size // 2) // cell_size."""
        least = max(3, self.cell_size - self.cell_size // 2)
        if min(height, width) < least:
            raise ValueError(
                f"{self.name} with cells of {self.cell_size} pixels needs an image of at least "
                f"{least} x {least} pixels, not {height} x {width}"
            )
        cells = [(n + self.cell_size // 2) // self.cell_size for n in (height, width)]
        return (3 * self.orientations, *cells)

    def image_size(self, code_shape: tuple[int, ...]) -> tuple[int, int]:
        """Return the size at which the cells fit exactly."""
        return code_shape[-2] * self.cell_size, code_shape[-1] * self.cell_size


def normalize_blocks(cells: Tensor) -> Tensor:
    """Return the codes (N, 3 n, H', W') of cells (N, 2 n, H', W'); written for reading."""
    directed, undirected = cells, sum(cells.chunk(2, 1), cells.new_zeros(()))
    energy = pad((undirected**2).sum(1, keepdim=True), (1, 1, 1, 1), "replicate")
    blocks = energy[..., 1:, :] + energy[..., :-1, :]
    factor = (blocks[..., 1:] + blocks[..., :-1] + _BLOCK_EPSILON).rsqrt()
    height, width = cells.shape[-2:]
    code = torch.zeros_like(torch.cat([directed, undirected], 1))
    for top in (0, 1):
        for left in (0, 1):
            f = factor[..., top : top + height, left : left + width]
            code = code + (torch.cat([directed, undirected], 1) * f).clamp(max=_CLAMP)
    return code / 2


class _BlockNormalization(torch.autograd.Function):
    """A fast `normalize_blocks` with a gradient written by hand."""

    @staticmethod
    def forward(ctx: Any, cells: Tensor) -> Tensor:
        half = cells.shape[1] // 2
        undirected = cells[:, :half] + cells[:, half:]
        features = torch.cat([cells, undirected], 1)
        energy = torch.linalg.vecdot(undirected, undirected, dim=1)
        padded = pad(energy[:, None], (1, 1, 1, 1), "replicate")[:, 0]
        rows = padded[:, 1:] + padded[:, :-1]
        factor = (rows[:, :, 1:] + rows[:, :, :-1] + _BLOCK_EPSILON).rsqrt_()
        code = torch.zeros_like(features)
        for f in _corners(factor):
            code += (features * f[:, None]).clamp_(max=_CLAMP)
        ctx.save_for_backward(features, factor)
        return code.mul_(0.5)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        features, factor = ctx.saved_tensors
        half = features.shape[1] // 3
        grad = grad * 0.5
        d_features = torch.zeros_like(features)
        d_factor = torch.zeros_like(factor)
        for f, d_corner in zip(_corners(factor), _corners(d_factor), strict=True):
            open_ = grad.masked_fill(features * f[:, None] > _CLAMP, 0)
            d_features.addcmul_(open_, f[:, None])
            d_corner += torch.linalg.vecdot(open_, features, dim=1)
        d_blocks = d_factor.mul_(factor**3).mul_(-0.5)
        rows = pad(d_blocks, (1, 1, 1, 1))
        rows = rows[:, 1:] + rows[:, :-1]
        d_padded = rows[:, :, 1:] + rows[:, :, :-1]
        d_padded[:, 1] += d_padded[:, 0]
        d_padded[:, -2] += d_padded[:, -1]
        d_padded[:, :, 1] += d_padded[:, :, 0]
        d_padded[:, :, -2] += d_padded[:, :, -1]
        d_energy = d_padded[:, None, 1:-1, 1:-1]
        undirected = features[:, 2 * half :]
        d_undirected = d_features[:, 2 * half :].addcmul_(undirected, d_energy, value=2)
        d_cells = d_features[:, : 2 * half]
        d_cells[:, :half] += d_undirected
        d_cells[:, half:] += d_undirected
        return d_cells


def _corners(factor: Tensor) -> list[Tensor]:
    """Return for each of a cell's four blocks a view (N, H', W') of its factors."""
    above, below = factor[:, :-1], factor[:, 1:]
    return [above[:, :, :-1], above[:, :, 1:], below[:, :, :-1], below[:, :, 1:]]


@lru_cache(maxsize=8)
def _pooling(
    height: int, width: int, cell: int, orientations: int, dtype: torch.dtype, device: torch.device
) -> CellPooling:
    like = torch.empty(0, dtype=dtype, device=device)
    return CellPooling.build(_axis(height, cell), _axis(width, cell), 2 * orientations, like)


def _axis(length: int, cell: int) -> AxisWeights:
    """Return bilinear weights of pixels in cells; weights outside the grid are dropped."""
    positions = ((pixel + 0.5) / cell - 0.5 for pixel in range(length))
    lowest = ((math.floor(position), position) for position in positions)
    pixels = ({n: 1 - position + n, n + 1: position - n} for n, position in lowest)
    return AxisWeights.from_pixels(pixels, (length + cell // 2) // cell)
