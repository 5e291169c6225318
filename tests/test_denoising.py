"""Noise taken from images: against scikit-image, and what must and must not change."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.restoration import denoise_tv_chambolle
from torch import Tensor

from preimage.denoising import denoise
from preimage.opponent import from_opponent, to_opponent
from tests.support import random_image


def _energy(v: Tensor, u: Tensor, amount: float) -> Tensor:
    down = torch.nn.functional.pad(v[..., 1:, :] - v[..., :-1, :], (0, 0, 0, 1))
    right = torch.nn.functional.pad(v[..., 1:] - v[..., :-1], (0, 1))
    return (v - u).square().sum() / 2 + amount * torch.hypot(down, right).sum()


@pytest.mark.parametrize("amount", [0.5, 5.0, 40.0])
def test_scikit_image_finds_the_same_minimum(amount: float) -> None:
    u = random_image(1, 1, 24, 17, scale=100.0)
    expected = denoise_tv_chambolle(u[0, 0].numpy(), weight=amount, eps=0, max_num_iter=31)
    np.testing.assert_allclose(denoise(u, amount)[0, 0].numpy(), expected, atol=1e-9)


@pytest.mark.parametrize("amount", [0.5, 5.0, 40.0])
def test_the_energy_is_no_higher_at_neighbors(amount: float) -> None:
    u = random_image(1, 1, 24, 17, scale=100.0)
    found = denoise(u, amount)
    least = _energy(found, u, amount)
    assert least < _energy(u, u, amount)
    for seed in range(20):
        other = found + random_image(1, 1, 24, 17, seed=seed, scale=amount)
        assert least < _energy(other, u, amount)


def test_luminance_and_chromas_are_denoised_each_by_itself() -> None:
    images = random_image(2, 3, 9, 8, scale=100.0)
    colors = to_opponent(images)
    alone = [denoise(colors[:, k : k + 1], 5.0 if k == 0 else 2.5) for k in range(3)]
    torch.testing.assert_close(denoise(images, 5.0), from_opponent(torch.cat(alone, 1)))


def test_means_stay_and_amount_zero_changes_nothing() -> None:
    images = random_image(2, 5, 9, 8, scale=100.0)
    torch.testing.assert_close(denoise(images, 30.0).mean((2, 3)), images.mean((2, 3)))
    assert torch.equal(denoise(images, 0.0), images)


def test_an_image_does_not_depend_on_its_batch() -> None:
    images = (random_image(3, 3, 33, 29, scale=100.0)).float()
    together = denoise(images, 5.0)
    for n, image in enumerate(images):
        assert torch.equal(denoise(image[None], 5.0)[0], together[n])
