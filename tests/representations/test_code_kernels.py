"""The normalizations by compiled code against the eager ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.support import random_image

from preimage.compiling import has_numba
from preimage.representations.hog import normalize_blocks

pytestmark = pytest.mark.skipif(not has_numba(), reason="numba is not installed")


@pytest.mark.parametrize("size", [(5, 7), (1, 4), (3, 1), (1, 1)])
def test_blocks_and_their_gradient_are_the_eager_ones(size: tuple[int, int]) -> None:
    from preimage.representations import code_kernels

    cells = random_image(1, 6, *size).abs().requires_grad_()
    expected = normalize_blocks(cells)
    d_code = random_image(*expected.shape, seed=1)
    (of_cells,) = torch.autograd.grad(expected, cells, d_code)
    code, found = np.empty(expected.shape[1:]), np.empty((6, *size))
    array = cells.detach().numpy()[0]
    factor = code_kernels.normalize_blocks(array, 0.2, 1e-4, code)
    code_kernels.unnormalize_blocks(array, factor, 0.2, d_code.numpy()[0], found)
    np.testing.assert_allclose(code, expected.detach().numpy()[0], rtol=1e-12)
    np.testing.assert_allclose(found, of_cells.numpy()[0], rtol=1e-10, atol=1e-10)
