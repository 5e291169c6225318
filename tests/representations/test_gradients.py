"""The fast cell histograms against the plain ones, and the gradient of an image."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
import torch
from tests.support import random_image
from torch import Tensor

from preimage.representations.gradients import (
    Binning,
    CellPooling,
    cell_histograms,
    cell_histograms_plain,
    image_gradient,
)

HEIGHT, WIDTH = 13, 17


def _pooling(bins: int, like: Tensor) -> CellPooling:
    """Random weights, with one to three cells for a column."""
    rng = np.random.default_rng(0)
    rows, columns = rng.random((4, HEIGHT)), rng.random((5, WIDTH))
    columns[[0, 3]] = 0
    columns[3, ::2] = 1.5
    columns[4, ::3] = 0
    return CellPooling.build(rows, columns, bins, like)


@pytest.mark.parametrize("border", ["zero", "one-sided"])
@pytest.mark.parametrize("angle", ["exact", "cubic"])
@pytest.mark.parametrize("softness", [0.0, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("bins", [8, 18])
def test_the_fast_way_equals_the_plain_one_in_value_and_gradient(
    bins: int,
    softness: float,
    angle: Literal["exact", "cubic"],
    border: Literal["zero", "one-sided"],
) -> None:
    x = random_image(3, HEIGHT, WIDTH).requires_grad_()
    binning = Binning(bins, softness, angle, border)
    fast = cell_histograms(x, binning, _pooling(bins, x))
    plain = cell_histograms_plain(x, binning, _pooling(bins, x))
    torch.testing.assert_close(fast, plain, rtol=1e-12, atol=1e-10)
    weights = random_image(*plain.shape, seed=1, scale=2.0)
    # The hand-written slope of the cubic angle leaves out VLFeat's epsilon of 1e-7.
    tolerance = 1e-11 if angle == "exact" else 1e-6
    gradients = [torch.autograd.grad(cells, x, weights)[0] for cells in (fast, plain)]
    torch.testing.assert_close(*gradients, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("border", ["zero", "one-sided"])
@pytest.mark.parametrize("angle", ["exact", "cubic"])
@pytest.mark.parametrize("softness", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_on_ties_and_flat_areas_the_ways_agree_in_value_and_the_gradient_is_finite(
    dtype: torch.dtype,
    softness: float,
    angle: Literal["exact", "cubic"],
    border: Literal["zero", "one-sided"],
) -> None:
    x = (random_image(2, HEIGHT, WIDTH, scale=6.0)).round().to(dtype)
    x[0, 4:, 5:] = 2
    x.requires_grad_()
    binning = Binning(18, softness, angle, border)
    fast = cell_histograms(x, binning, _pooling(18, x))
    plain = cell_histograms_plain(x, binning, _pooling(18, x))
    digits = torch.finfo(dtype).eps * 100
    torch.testing.assert_close(fast, plain, rtol=digits, atol=digits)
    for cells in (fast, plain):
        (gradient,) = torch.autograd.grad(cells.square().sum(), x)
        assert gradient.isfinite().all()
        assert gradient.abs().max() > 0


@pytest.mark.parametrize("softness", [0.0, 1.0])
def test_every_gradient_is_counted_in_full(softness: float) -> None:
    x = random_image(1, HEIGHT, WIDTH)
    pooling = CellPooling.build(np.ones((1, HEIGHT)), np.ones((1, WIDTH)), 18, x)
    cells = cell_histograms(x, Binning(18, softness, "exact", "one-sided"), pooling)
    magnitude = torch.hypot(*image_gradient(x, "one-sided"))
    torch.testing.assert_close(cells.sum(), magnitude.sum(), rtol=1e-12, atol=0)


@pytest.mark.parametrize("softness", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("bins", [8, 18])
def test_a_gradient_along_the_center_of_a_bin_goes_to_that_bin_alone(
    bins: int, softness: float
) -> None:
    v, u = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    for k in range(bins):
        direction = 2 * np.pi * k / bins
        ramp = (u.double() * np.cos(direction) + v.double() * np.sin(direction))[None]
        pooling = CellPooling.build(np.ones((1, HEIGHT)), np.ones((1, WIDTH)), bins, ramp)
        cells = cell_histograms(ramp, Binning(bins, softness, "exact", "one-sided"), pooling)
        expected = torch.zeros(bins, dtype=torch.float64)
        expected[k] = HEIGHT * WIDTH
        torch.testing.assert_close(cells.flatten(), expected, rtol=0, atol=1e-10)


def test_one_sided_gradients_are_those_of_numpy() -> None:
    x = random_image(2, 9, 11)
    gx, gy = image_gradient(x, "one-sided")
    np.testing.assert_allclose(gx.numpy(), np.gradient(x.numpy(), axis=2), rtol=1e-15)
    np.testing.assert_allclose(gy.numpy(), np.gradient(x.numpy(), axis=1), rtol=1e-15)


def test_gradients_with_a_zero_border_are_twice_the_central_differences_inside() -> None:
    x = random_image(2, 9, 11)
    inside = np.zeros((2, 9, 11))
    inside[:, 1:-1, 1:-1] = 2
    gx, gy = image_gradient(x, "zero")
    np.testing.assert_allclose(gx.numpy(), inside * np.gradient(x.numpy(), axis=2), atol=1e-13)
    np.testing.assert_allclose(gy.numpy(), inside * np.gradient(x.numpy(), axis=1), atol=1e-13)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("softness", [0.0, 0.5, 1.0])
def test_on_a_gpu_the_histograms_are_those_of_the_cpu(softness: float) -> None:
    x = random_image(2, HEIGHT, WIDTH).requires_grad_()
    binning = Binning(18, softness, "exact", "zero")
    results = []
    for device in ("cpu", "cuda"):
        image = x.to(device)
        cells = cell_histograms(image, binning, _pooling(18, image))
        (gradient,) = torch.autograd.grad(cells.square().sum(), x)
        results.append((cells.cpu(), gradient))
    for cpu, gpu in zip(*results, strict=True):
        torch.testing.assert_close(gpu, cpu, rtol=1e-10, atol=1e-8)
