"""The total variation of luminance and chroma."""

from __future__ import annotations

import pytest
import torch
from tests.support import random_image
from torch import Tensor

from preimage.opponent import to_opponent
from preimage.priors import total_variation
from preimage.priors.opponent_variation import OpponentVariation
from preimage.priors.total_variation import TotalVariation

V = 80 / 6.5


def _closed(x: Tensor, beta: float, weight: float = 4) -> tuple[Tensor, Tensor]:
    """The value and the gradient in closed form."""
    gradient = torch.zeros_like(x)
    return OpponentVariation(TotalVariation(beta, V), weight).add(x, gradient), gradient


def _plain(x: Tensor, beta: float, weight: float) -> Tensor:
    """The value by its definition."""
    colors = to_opponent(x)
    luminance, chroma = colors[:, :1], colors[:, 1:]
    return total_variation(luminance, beta, V) + weight * total_variation(chroma, beta, V)


class _Closed(torch.autograd.Function):
    """The prior, with the gradient in closed form as its gradient."""

    @staticmethod
    def forward(ctx: object, x: Tensor, beta: float) -> Tensor:
        value, gradient = _closed(x, beta)
        ctx.save_for_backward(gradient)  # type: ignore[attr-defined]
        return value

    @staticmethod
    def backward(ctx: object, *slopes: Tensor) -> tuple[Tensor, None]:
        (gradient,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return slopes[0].view(-1, 1, 1, 1) * gradient, None


@pytest.mark.parametrize("beta", [0.7, 1.0, 1.5, 2.0, 3.0])
def test_the_closed_form_is_that_of_autograd(beta: float) -> None:
    x = random_image(2, 3, 6, 7).requires_grad_()
    expected = _plain(x, beta, 6.0)
    (slope,) = torch.autograd.grad(expected.sum(), x)
    value, gradient = _closed(x.detach(), beta, 6.0)
    # Where V is scaled, what TV^beta is shifted by to vanish at zero changes with it.
    torch.testing.assert_close(value, expected.detach(), rtol=1e-12, atol=0)
    torch.testing.assert_close(gradient, slope, rtol=1e-11, atol=1e-16)


@pytest.mark.parametrize("beta", [0.5, 1.5, 2.0])
def test_the_closed_form_passes_gradcheck(beta: float) -> None:
    x = random_image(2, 3, 4, 5, scale=4.0).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: _Closed.apply(x, beta), x, atol=1e-9, rtol=1e-6)


def test_a_gray_image_has_no_chroma_to_weigh() -> None:
    x = random_image(1, 1, 6, 7).expand(1, 3, 6, 7)
    for first, second in zip(_closed(x, 2, 1.0), _closed(x, 2, 100.0), strict=True):
        torch.testing.assert_close(first, second)


def test_without_a_weight_it_is_the_total_variation_of_beta_2() -> None:
    x = random_image(2, 3, 6, 7)
    torch.testing.assert_close(_closed(x, 2, 1.0)[0], total_variation(x, 2, V))


@pytest.mark.parametrize("channels", [1, 4])
def test_images_of_other_channels_have_the_total_variation(channels: int) -> None:
    x = random_image(2, channels, 6, 7)
    gradient = torch.zeros_like(x)
    value = TotalVariation(1.5, V).add(x, gradient)
    assert torch.equal(_closed(x, 1.5)[0], value)
    assert torch.equal(_closed(x, 1.5)[1], gradient)
    prior = OpponentVariation(TotalVariation(1.5, V), 4)
    assert torch.equal(prior.precondition(x[0]), x[0])


def test_a_weight_multiplies_the_value() -> None:
    x = random_image(2, 3, 6, 7)
    scaled = OpponentVariation(TotalVariation(1.5, V), 4).scaled(3)
    torch.testing.assert_close(scaled.add(x, torch.zeros_like(x)), 3 * _closed(x, 1.5)[0])


def test_the_metric_divides_the_chromas_by_their_weight() -> None:
    x = random_image(3, 6, 7)
    divided = OpponentVariation(TotalVariation(2, V), 4).precondition(x)
    weights = torch.tensor([1.0, 4.0, 4.0]).view(3, 1, 1)
    torch.testing.assert_close(to_opponent(divided) * weights, to_opponent(x))


def test_the_rest_of_a_batch_does_not_change_it_by_a_bit() -> None:
    x = random_image(5, 3, 7, 9).float()
    batch = _closed(x, 2)
    for n in range(5):
        for whole, alone in zip(batch, _closed(x[n : n + 1].clone(), 2), strict=True):
            assert torch.equal(whole[n], alone[0])
