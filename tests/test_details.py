"""Weak details removed: which go, which stay, and that each image is treated alone."""

from __future__ import annotations

import pytest
import torch

from preimage.details import remove_weak_details
from tests.support import random_image


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_weak_details_go_and_strong_ones_stay(channels: int) -> None:
    noise = random_image(2, channels, 40, 30)
    noise = (noise - noise.mean()) / noise.std()
    weak, strong = noise / channels**0.5, 100 * noise / channels**0.5
    assert remove_weak_details(weak).std() < 0.15 * weak.std()
    assert remove_weak_details(strong).std() > 0.95 * strong.std()


def test_a_detail_of_nine_gray_levels_loses_half() -> None:
    x = torch.zeros(1, 3, 41, 41, dtype=torch.float64)
    x[0, 1, 20, 20] = 1
    share = 1 - float(_blurred(x)[0, 1, 20, 20])  # of the point, which is no smooth part
    x *= 9 / share
    lost = float(x[0, 1, 20, 20] - remove_weak_details(x)[0, 1, 20, 20])
    assert lost == pytest.approx(4.5)


def _blurred(x: torch.Tensor) -> torch.Tensor:
    """Return the smooth part, which is all that remains of faint images."""
    return remove_weak_details(x * 1e-6) / 1e-6


def test_smooth_images_and_flat_ones_do_not_change() -> None:
    flat = torch.full((1, 3, 5, 7), 40.0, dtype=torch.float64)
    torch.testing.assert_close(remove_weak_details(flat), flat)
    ramp = torch.arange(60.0, dtype=torch.float64).expand(1, 1, 20, 60)
    torch.testing.assert_close(remove_weak_details(ramp)[..., 9:-9], ramp[..., 9:-9])


def test_no_image_depends_on_the_rest_of_the_batch_nor_leaves_the_bound() -> None:
    images = random_image(3, 3, 24, 20).float()
    together = remove_weak_details(images)
    for n in range(3):
        assert torch.equal(remove_weak_details(images[n : n + 1].clone())[0], together[n])
    norms = [x.square().sum(1).sqrt().amax((1, 2)) for x in (together, images)]
    assert bool((norms[0] <= norms[1] + 1e-3).all())
