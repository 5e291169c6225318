"""The descriptors of gradients, HOG and dense SIFT: cells, then a normalization; eager or fused."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from torch import Tensor

from preimage.compiling import has_numba
from preimage.representations import gradients
from preimage.representations.base import Representation
from preimage.representations.gradients import Binning, CellPooling

if TYPE_CHECKING:
    from preimage.representations.fused import FusedCodes, Normalization


_LARGE = 2**22
"""The pixels of an image above which memory matters more than the last bits of its code."""


class Descriptor(Representation):
    """A descriptor of the gradients of gray images (N, 1, H, W)."""

    _fuses = False

    def encode(self, images: Tensor) -> Tensor:
        """See `Representation.encode`; of large images by compiled code, which takes less memory.

        Other codes have the same bits with and without numba.
        """
        is_large = images.shape[-2] * images.shape[-1] > _LARGE
        return Representation.encode(self.fused() if is_large else self, images)

    def forward(self, x: Tensor) -> Tensor:
        """Return the codes (N, K, H', W') of gray images (N, 1, H, W)."""
        if self._is_fused(x):
            from preimage.representations.fused import Differentiable

            code: Tensor = Differentiable.apply(x[:, 0], self._encode)
            return code
        return self._normalize(gradients.cell_histograms(*self._cells(x)))

    def fused(self) -> Self:
        """Return the descriptor by compiled code, or as it is if numba is missing."""
        if self._fuses or not has_numba():
            return self
        fused = copy.copy(self)
        fused._fuses = True
        return fused

    def linearized(self, x: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """See `Representation.linearized`."""
        if not self._is_fused(x):
            return super().linearized(x)
        fused = self._encode(x[:, 0])
        return fused.codes, lambda d_codes: fused.gradient(d_codes)[:, None]

    def _is_fused(self, x: Tensor) -> bool:
        if not self._fuses:
            return False
        from preimage.representations.fused import serves

        return serves(x)

    def _encode(self, x: Tensor) -> FusedCodes:
        from preimage.representations.fused import FusedCodes

        shape = self.code_shape(x.shape[-2], x.shape[-1])
        return FusedCodes(*self._cells(x[:, None]), self._normalization(), shape)

    @abstractmethod
    def _cells(self, x: Tensor) -> tuple[Tensor, Binning, CellPooling]:
        """Return gray images (N, H, W), and how their gradients are binned and pooled."""

    @abstractmethod
    def _normalize(self, cells: Tensor) -> Tensor:
        """Return the codes of cells (N, K, ..., ...)."""

    @abstractmethod
    def _normalization(self) -> Normalization:
        """Return what `_normalize` does by compiled code."""
