"""Pooling along one axis: in blocks or by one matrix, forwards and backwards."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.support import random_image

from preimage.representations import dsift, hog, pooling_axis
from preimage.representations.dsift import DSIFT
from preimage.representations.hog import HOG
from preimage.representations.pooling_axis import AxisWeights, PoolingAxis


def _matrix(cells: int, pixels: int) -> np.ndarray:
    """Weights of cells that overlap by half, some of them zero."""
    centers = (np.arange(cells)[:, None] + 0.5) * pixels / cells
    distance = np.abs(np.arange(pixels) + 0.5 - centers) * cells / pixels
    return np.maximum(0, 1 - distance)


@pytest.fixture(params=[1, 3, 512])
def at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The number of cells of a block."""
    monkeypatch.setattr(pooling_axis, "_CELLS_OF_A_BLOCK", request.param)
    return int(request.param)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(("cells", "pixels"), [(1, 3), (5, 40), (11, 11), (10, 93)])
def test_an_axis_is_its_matrix(cells: int, pixels: int) -> None:
    matrix, x = _matrix(cells, pixels), random_image(2, pixels, 4)
    axis, dense = PoolingAxis(AxisWeights.from_dense(matrix), x), torch.from_numpy(matrix)
    assert len(axis) == cells
    torch.testing.assert_close(axis.pool(x), dense @ x)
    torch.testing.assert_close(axis.pool_last(x.mT), x.mT @ dense.T)
    pooled = random_image(2, cells, 4)
    torch.testing.assert_close(axis.spread(pooled), dense.T @ pooled)
    chosen = np.arange(cells) % 3 == 1
    np.testing.assert_array_equal(axis.weights.touched(chosen), (matrix[chosen] != 0).any(0))


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("phi", [HOG(), HOG(bilinear=True, cell_size=5), DSIFT(cell_size=3)])
def test_codes_gradients_and_flat_regions_are_those_of_one_matrix(
    phi: HOG | DSIFT, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = random_image(1, 1, 61, 50)
    image[..., 20:45, 5:40] = 0
    found = []
    for size in (None, 512):
        if size is not None:
            monkeypatch.setattr(pooling_axis, "_CELLS_OF_A_BLOCK", size)
        cached = dsift._pooling if isinstance(phi, DSIFT) else hog._pooling
        cached.cache_clear()
        x = image.clone().requires_grad_()
        code = phi(x)
        code.square().sum().backward()
        torch.testing.assert_close(code, phi.plain(x))
        (flat,) = phi.flat_regions(code.detach(), (61, 50))
        leveled = image[0].clone() if flat is None else flat.flatten_(image[0].clone())
        found.append((code.detach(), x.grad, leveled))
        cached.cache_clear()
    torch.testing.assert_close(found[0], found[1])


def test_a_wide_image_takes_time_and_memory_in_proportion_to_its_width() -> None:
    phi = HOG()
    photo = random_image(1, 1, 8, 40_000).float()
    pooling = phi._pooling((8, 40_000), photo)
    values = sum(block.numel() for _, _, block in pooling.columns._blocks)
    assert values < 5000 * 8 * 600
    parts = [phi(photo[..., start : start + 816]) for start in (0, 39_184)]
    code = phi(photo)
    torch.testing.assert_close(code[..., :100], parts[0][..., :100])
    torch.testing.assert_close(code[..., -100:], parts[1][..., -100:])
