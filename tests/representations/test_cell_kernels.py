"""The cells of an image by compiled code against those of `gradients`, with any pooling."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
import torch
from tests.support import random_image

from preimage.compiling import has_numba
from preimage.representations.gradients import Binning, CellPooling, cell_histograms

pytestmark = pytest.mark.skipif(not has_numba(), reason="numba is not installed")


@pytest.mark.parametrize("border", ["zero", "one-sided"])
@pytest.mark.parametrize("angle", ["exact", "cubic"])
@pytest.mark.parametrize("softness", [0.0, 0.2, 1.0])
def test_cells_and_their_gradient_are_the_eager_ones(
    softness: float, angle: Literal["exact", "cubic"], border: Literal["zero", "one-sided"]
) -> None:
    from preimage.representations import cell_kernels
    from preimage.representations.fused import _rule, _weights

    x = random_image(1, 13, 17).requires_grad_()
    rng = np.random.default_rng(0)
    columns = rng.random((5, 17)) * (rng.random((5, 17)) < 0.5)  # up to five cells for a column
    pooling = CellPooling.build(rng.random((4, 13)), columns, 8, x)
    binning = Binning(8, softness, angle, border)
    expected = cell_histograms(x, binning, pooling)
    d_cells = random_image(*expected.shape, seed=1)
    (of_image,) = torch.autograd.grad(expected, x, d_cells)
    image, rule, weights = (
        x.detach().numpy()[0],
        _rule(binning, x.dtype),
        _weights(pooling, 8, x.dtype),
    )
    cells, slots = np.empty(expected.shape[1:]), np.empty(image.shape, np.uint8)
    shares, found = np.empty(image.shape), np.empty(image.shape)
    cell_kernels.pool(image, rule, weights, slots, shares, cells)
    cell_kernels.spread(image, rule, weights, slots, shares, d_cells.numpy()[0], found)
    np.testing.assert_allclose(cells, expected.detach().numpy()[0], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found, of_image.numpy()[0], rtol=1e-10, atol=1e-10)
