"""TV^beta of section 3.2.2 and its gradient in closed form."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.support import random_image
from torch import Tensor

from preimage.priors import total_variation
from preimage.priors.total_variation import TotalVariation

V = 80 / 6.5


def _closed(x: Tensor, beta: float, gradient_norm: float = V) -> tuple[Tensor, Tensor]:
    """The value and the gradient in closed form."""
    gradient = torch.zeros_like(x)
    return TotalVariation(beta, gradient_norm).add(x, gradient), gradient


def _variation(image: np.ndarray, beta: float) -> float:
    total = 0.0
    for k, v, u in np.ndindex(*image.shape):
        right = image[k, v, u + 1] - image[k, v, u] if u + 1 < image.shape[2] else 0
        down = image[k, v + 1, u] - image[k, v, u] if v + 1 < image.shape[1] else 0
        total += (right**2 + down**2) ** (beta / 2)
    return total / (image.shape[1] * image.shape[2] * V**beta)


def test_below_1_the_square_of_a_gray_level_is_added_to_squared_gradients() -> None:
    x = torch.zeros(1, 1, 1, 2, dtype=torch.float64)
    x[..., 1] = 3.0
    expected = (10**0.25 - 1) / (2 * V**0.5)
    assert total_variation(x, 0.5, V).item() == pytest.approx(expected, rel=1e-12)


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
    beta=st.sampled_from([0.5, 1.0, 1.5, 2.0, 3.0]),
    channels=st.sampled_from([1, 3]),
)
def test_the_total_variation_of_a_constant_is_zero(
    value: float, beta: float, channels: int
) -> None:
    x = torch.full((1, channels, 5, 7), value)
    assert total_variation(x, beta, V).item() == 0
    assert _closed(x, beta)[0].item() == 0


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


@pytest.mark.parametrize("beta", [0.5, 0.8, 1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_closed_form_is_that_of_autograd(channels: int, beta: float) -> None:
    x = random_image(2, channels, 6, 7)
    x[0, :, 2:4, 3:6] = 10.0  # a flat area
    x.requires_grad_()
    expected = total_variation(x, beta, V)
    (slope,) = torch.autograd.grad(expected.sum(), x)
    value, gradient = _closed(x.detach(), beta)
    torch.testing.assert_close(value, expected.detach(), rtol=1e-13, atol=0)
    torch.testing.assert_close(gradient, slope, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("beta", [0.5, 1.0, 1.5, 2.0])
def test_on_a_flat_image_every_gradient_is_zero(beta: float) -> None:
    for value in (0.0, 50.0):
        x = torch.full((1, 3, 5, 5), value, requires_grad=True)
        (plain,) = torch.autograd.grad(total_variation(x, beta, V), x)
        assert not plain.any()
        assert not _closed(x.detach(), beta)[1].any()


@pytest.mark.parametrize("beta", [0.5, 1.0, 1.5, 2.0])
def test_the_total_variation_passes_gradcheck(beta: float) -> None:
    x = random_image(2, 3, 4, 5, scale=4.0).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: total_variation(x, beta, 2.0), x, atol=1e-9, rtol=1e-6
    )


def test_the_rest_of_a_batch_does_not_change_the_total_variation_by_a_bit() -> None:
    x = random_image(5, 3, 7, 9).float()
    batch = _closed(x, 2)
    for n in range(5):
        for whole, alone in zip(batch, _closed(x[n : n + 1].clone(), 2), strict=True):
            assert torch.equal(whole[n], alone[0])


@pytest.mark.parametrize("beta", [0.7, 1.0, 2.0, 3.0])
def test_a_weight_multiplies_the_value(beta: float) -> None:
    x = random_image(2, 3, 4, 5)
    scaled = TotalVariation(beta, V).scaled(2.5).add(x, torch.zeros_like(x))
    torch.testing.assert_close(scaled, 2.5 * _closed(x, beta)[0])


def test_below_1_a_strong_edge_costs_less_than_the_same_contrast_in_steps() -> None:
    edge, ramp = torch.zeros(1, 1, 1, 9), torch.linspace(0, 80, 9).view(1, 1, 1, 9)
    edge[..., 5:] = 80.0
    for beta, factor in ((0.5, 0.5), (2.0, 1.0)):
        ratio = total_variation(edge, beta, V) / total_variation(ramp, beta, V)
        assert (ratio < factor) == (beta < 1)
