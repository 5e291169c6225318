"""R_alpha of Eq. 5 and the hard bound of Eq. 6."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.support import random_image

from preimage.priors import alpha_norm, project, project_
from preimage.priors.bounded_range import alpha_norm_and_gradient

B = 80.0


@pytest.mark.parametrize("alpha", [2, 3, 6])
def test_the_alpha_norm_is_eq_5(alpha: float) -> None:
    x = random_image(2, 3, 4, 5)
    expected = [
        sum(np.linalg.norm(image[:, v, u]) ** alpha for v in range(4) for u in range(5))
        / (4 * 5 * B**alpha)
        for image in x.numpy()
    ]
    np.testing.assert_allclose(alpha_norm(x, alpha, B), expected, rtol=1e-13)


@pytest.mark.parametrize("alpha", [2.0, 3.0, 6.0])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_closed_form_is_that_of_autograd(channels: int, alpha: float) -> None:
    x = random_image(2, channels, 6, 7).requires_grad_()
    expected = alpha_norm(x, alpha, B)
    (slope,) = torch.autograd.grad(expected.sum(), x)
    value, gradient = alpha_norm_and_gradient(x.detach(), alpha, B)
    torch.testing.assert_close(value, expected.detach(), rtol=1e-13, atol=0)
    torch.testing.assert_close(gradient, slope, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("alpha", [2.0, 6.0])
def test_the_alpha_norm_passes_gradcheck(alpha: float) -> None:
    x = random_image(2, 3, 4, 5, scale=4.0).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: alpha_norm(x, alpha, 2.0), x, atol=1e-9, rtol=1e-6)


@given(
    channels=st.sampled_from([1, 3]),
    seed=st.integers(0, 99),
    bound=st.floats(1, 300),
    double=st.booleans(),
)
def test_projection_is_idempotent_and_never_exceeds_the_bound(
    channels: int, seed: int, bound: float, double: bool
) -> None:
    dtype = torch.float64 if double else torch.float32
    rounding = 4 * torch.finfo(dtype).eps
    x = random_image(2, channels, 4, 5, seed=seed, scale=600.0).to(dtype)
    once = project(x, bound)
    assert (once.norm(dim=1) <= bound * (1 + rounding)).all()
    torch.testing.assert_close(project(once, bound), once, rtol=rounding, atol=0)


@given(channels=st.sampled_from([1, 3]), seed=st.integers(0, 99))
def test_projection_only_shortens_pixels_beyond_the_bound(channels: int, seed: int) -> None:
    x = random_image(2, channels, 4, 5, seed=seed, scale=600.0)
    norms = x.norm(dim=1, keepdim=True)
    expected = torch.where(norms > 160, x * 160 / norms, x)
    torch.testing.assert_close(project(x, 160.0), expected, rtol=1e-14, atol=0)


def test_projection_in_place_equals_projection() -> None:
    for channels in (1, 3):
        x = random_image(2, channels, 4, 5, scale=600.0)
        projected = project(x, 160.0)
        assert not torch.equal(projected, x)
        assert torch.equal(project_(x, 160.0), projected)
        assert torch.equal(x, projected)
