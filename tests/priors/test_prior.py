"""The sum of R_alpha and the prior that settings name."""

from __future__ import annotations

import pytest
import torch
from tests.support import random_image
from torch import Tensor

from preimage.presets import NNPREIMAGE
from preimage.priors import alpha_norm, find_prior, total_variation
from preimage.priors.opponent_variation import OpponentVariation
from preimage.priors.total_variation import TotalVariation
from preimage.settings import Settings


def test_the_prior_is_the_sum_of_both_and_its_gradient_that_of_autograd() -> None:
    settings = Settings(alpha=3, beta=1.5, pixel_norm=70, gradient_norm=9)
    x = random_image(2, 3, 6, 7).requires_grad_()
    values = alpha_norm(x, 3, 70), total_variation(x, 1.5, 9)
    (expected,) = torch.autograd.grad(torch.stack(values).sum(), x)
    bounded, variation, gradient = find_prior(settings)(x.detach())
    torch.testing.assert_close(bounded, values[0].detach(), rtol=1e-13, atol=0)
    torch.testing.assert_close(variation, values[1].detach(), rtol=1e-13, atol=0)
    torch.testing.assert_close(gradient, expected, rtol=1e-12, atol=1e-16)


def test_the_rest_of_a_batch_does_not_change_a_prior_by_a_bit() -> None:
    x = random_image(5, 3, 7, 9).float()
    prior = find_prior(NNPREIMAGE)
    batch = prior(x)
    for n in range(5):
        for whole, alone in zip(batch, prior(x[n : n + 1].clone()), strict=True):
            assert torch.equal(whole[n], alone[0])


def test_settings_name_the_prior() -> None:
    plain = TotalVariation(2, NNPREIMAGE.gradient_norm)
    assert find_prior(NNPREIMAGE).variation == plain
    changed = NNPREIMAGE.replace(prior="opponent-tv", chroma_weight=3)
    assert find_prior(changed).variation == OpponentVariation(plain, 3)


def test_a_function_of_a_user_stands_in_place_of_the_total_variation() -> None:
    def energy(x: Tensor) -> Tensor:
        return x.square().mean((1, 2, 3))

    settings, x = NNPREIMAGE.replace(prior="energy()"), random_image(2, 3, 4, 5)
    bounded, value, _ = find_prior(settings, energy)(x)
    torch.testing.assert_close(bounded, alpha_norm(x, 6, 80))
    torch.testing.assert_close(value, energy(x))
    with pytest.raises(ValueError, match=r"energy\(\) is a prior of your own, .* prior=FUNCTION"):
        find_prior(settings)


def test_with_an_anchor_the_priors_are_those_of_the_change_but_for_a_users_function() -> None:
    def energy(x: Tensor) -> Tensor:
        return x.square().mean((1, 2, 3))

    x, anchor = random_image(2, 3, 4, 5), random_image(2, 3, 4, 5, seed=1)
    prior = find_prior(NNPREIMAGE)
    for anchored, plain in zip(prior(x, anchor), prior(x - anchor), strict=True):
        assert torch.equal(anchored, plain)
    torch.testing.assert_close(prior.of_change(0.1)(x)[1], 0.1 * prior(x)[1])
    own = find_prior(NNPREIMAGE, energy).of_change(0.1)
    bounded, value, _ = own(x, anchor)
    torch.testing.assert_close(bounded, alpha_norm(x - anchor, 6, 80))
    torch.testing.assert_close(value, energy(x))
