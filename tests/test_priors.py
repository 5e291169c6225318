"""The priors of section 3.2: formulas, closed-form gradients, the hard bound."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from preimage.priors import Prior, alpha_norm, project, project_, total_variation
from tests.support import random_image

B, V = 80.0, 80 / 6.5


@pytest.mark.parametrize("alpha", [2, 3, 6])
def test_the_alpha_norm_is_eq_5(alpha: float) -> None:
    x = random_image(2, 3, 4, 5)
    expected = [
        sum(np.linalg.norm(image[:, v, u]) ** alpha for v in range(4) for u in range(5))
        / (4 * 5 * B**alpha)
        for image in x.numpy()
    ]
    np.testing.assert_allclose(alpha_norm(x, alpha, B), expected, rtol=1e-13)


def _variation(image: np.ndarray, beta: float) -> float:
    total = 0.0
    for k, v, u in np.ndindex(*image.shape):
        right = image[k, v, u + 1] - image[k, v, u] if u + 1 < image.shape[2] else 0
        down = image[k, v + 1, u] - image[k, v, u] if v + 1 < image.shape[1] else 0
        total += (right**2 + down**2) ** (beta / 2)
    return total / (image.shape[1] * image.shape[2] * V**beta)


@pytest.mark.parametrize("beta", [1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_total_variation_is_that_of_section_3_2_2(channels: int, beta: float) -> None:
    x = random_image(2, channels, 4, 5)
    expected = [_variation(image, beta) for image in x.numpy()]
    # Flattened below a squared gradient of 1e-6 and shifted to vanish at zero: all pixels but
    # the last, which has no gradient, are lower by this.
    shift = 0 if beta >= 2 else channels * (1 - beta / 2) * 1e-6 ** (beta / 2) / V**beta * 19 / 20
    np.testing.assert_allclose(total_variation(x, beta, V) + shift, expected, rtol=1e-12)


@given(
    value=st.floats(-255, 255, width=32),
    beta=st.sampled_from([1.0, 1.5, 2.0, 3.0]),
    channels=st.sampled_from([1, 3]),
)
def test_the_total_variation_of_a_constant_is_zero(
    value: float, beta: float, channels: int
) -> None:
    x = torch.full((1, channels, 5, 7), value)
    assert total_variation(x, beta, V).item() == 0
    assert Prior(6, beta, B, V)(x)[1].item() == 0


@given(seed=st.integers(0, 99), constant=st.integers(-100, 100))
def test_the_total_variation_does_not_see_an_additive_constant(seed: int, constant: int) -> None:
    x = random_image(1, 1, 6, 7, seed=seed).round()
    assert torch.equal(total_variation(x + constant, 1.5, V), total_variation(x, 1.5, V))


@pytest.mark.parametrize("beta", [1.0, 1.5])
def test_where_the_total_variation_becomes_quadratic_value_and_slope_go_on(beta: float) -> None:
    step = 1e-9
    edge = torch.tensor([-step, step], dtype=torch.float64) + 1e-3
    x = torch.zeros(2, 1, 1, 2, dtype=torch.float64)
    x[:, 0, 0, 1] = edge
    x.requires_grad_()
    value = total_variation(x, beta, 1.0)
    (slope,) = torch.autograd.grad(value.sum(), x)
    below, above = slope[:, 0, 0, 1].tolist()
    assert above == pytest.approx(below, rel=1e-5)
    assert (value[1] - value[0]).item() == pytest.approx(2 * step * below, rel=1e-5)


@pytest.mark.parametrize("beta", [1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("alpha", [2.0, 3.0, 6.0])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_closed_form_of_the_prior_is_that_of_autograd(
    channels: int, alpha: float, beta: float
) -> None:
    x = random_image(2, channels, 6, 7)
    x[0, :, 2:4, 3:6] = 10.0  # a flat area
    x.requires_grad_()
    values = alpha_norm(x, alpha, B), total_variation(x, beta, V)
    (expected,) = torch.autograd.grad(torch.stack(values).sum(), x)
    bounded, variation, gradient = Prior(alpha, beta, B, V)(x.detach())
    torch.testing.assert_close(bounded, values[0].detach(), rtol=1e-13, atol=0)
    torch.testing.assert_close(variation, values[1].detach(), rtol=1e-13, atol=0)
    torch.testing.assert_close(gradient, expected, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("beta", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("alpha", [2.0, 6.0])
def test_on_a_flat_image_every_gradient_is_finite(alpha: float, beta: float) -> None:
    for value in (0.0, 50.0):
        x = torch.full((1, 3, 5, 5), value, requires_grad=True)
        energy = alpha_norm(x, alpha, B) + total_variation(x, beta, V)
        (plain,) = torch.autograd.grad(energy, x)
        closed = Prior(alpha, beta, B, V)(x.detach())[2]
        assert plain.isfinite().all()
        assert closed.isfinite().all()
        torch.testing.assert_close(closed, plain)


def test_the_priors_pass_gradcheck() -> None:
    x = random_image(2, 3, 4, 5, scale=4.0).requires_grad_()
    for alpha in (2.0, 6.0):
        assert torch.autograd.gradcheck(
            lambda x, a=alpha: alpha_norm(x, a, 2.0), x, atol=1e-9, rtol=1e-6
        )
    for beta in (1.0, 1.5, 2.0):
        assert torch.autograd.gradcheck(
            lambda x, b=beta: total_variation(x, b, 2.0), x, atol=1e-9, rtol=1e-6
        )


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


def test_the_rest_of_a_batch_does_not_change_a_prior_by_a_bit() -> None:
    x = random_image(5, 3, 7, 9).float()
    batch = Prior(6, 2, B, V)(x)
    for n in range(5):
        for whole, alone in zip(batch, Prior(6, 2, B, V)(x[n : n + 1].clone()), strict=True):
            assert torch.equal(whole[n], alone[0])
