"""The priors by compiled kernels against the eager ones."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.support import random_image

from preimage.compiling import has_numba
from preimage.priors.prior import find_prior
from preimage.settings import Settings

pytestmark = pytest.mark.skipif(not has_numba(), reason="numba is not installed")


@pytest.mark.parametrize("size", [(1, 9, 11), (3, 7, 40), (1, 1, 5), (2, 6, 1), (1, 1, 1)])
@pytest.mark.parametrize("alpha", [2, 6])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_and_gradient_are_those_of_the_eager_prior(
    size: tuple[int, int, int], alpha: int, dtype: torch.dtype
) -> None:
    x, anchor = (random_image(2, *size, seed=seed, scale=40.0).to(dtype) for seed in (0, 1))
    eager = find_prior(Settings(alpha=alpha))
    digits = 20 * torch.finfo(dtype).eps
    for given in (None, anchor):
        for found, expected in zip(eager.fused()(x, given), eager(x, given), strict=True):
            assert found.dtype == dtype
            close = digits * expected.abs().max().item()
            torch.testing.assert_close(found, expected, rtol=digits, atol=close)


def test_the_gradient_is_that_of_finite_differences() -> None:
    prior = find_prior(Settings()).fused()

    class Total(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            bounded, variation, gradient = prior(x)
            ctx.save_for_backward(gradient)
            return bounded + variation

        @staticmethod
        def backward(ctx: Any, given: torch.Tensor) -> torch.Tensor:
            (gradient,) = ctx.saved_tensors
            return gradient * given.view(-1, 1, 1, 1)

    x = random_image(2, 2, 5, 6, scale=60.0).requires_grad_()
    assert torch.autograd.gradcheck(Total.apply, x)


def test_an_image_has_the_same_bits_alone_and_in_a_batch() -> None:
    x = random_image(3, 1, 30, 41, scale=40.0).float()
    prior = find_prior(Settings()).fused()
    for together, alone in zip(prior(x), prior(x[1:2].clone()), strict=True):
        assert torch.equal(together[1:2], alone)


@pytest.mark.parametrize(
    "settings", [Settings(beta=1.5), Settings(alpha=3), Settings(prior="opponent-tv")]
)
def test_other_priors_are_the_eager_ones(settings: Settings) -> None:
    x, eager = random_image(1, 3, 6, 7, scale=40.0), find_prior(settings)
    for found, expected in zip(eager.fused()(x), eager(x), strict=True):
        assert torch.equal(found, expected)
