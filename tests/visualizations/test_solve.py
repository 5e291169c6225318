"""The start of the shared procedure."""

from __future__ import annotations

import math

import numpy as np
import torch
from tests.support import random_image

from preimage.visualizations.solve import noise, with_margin


def test_the_noise_is_uniform_and_scaled_by_its_quantile() -> None:
    values = noise((1, 100, 100), 80.0, torch.Generator().manual_seed(3)).flatten().numpy()
    raw = torch.rand(10_000, generator=torch.Generator().manual_seed(3)).numpy() * 2 - 1
    quantile = np.quantile(raw, 0.95, method="inverted_cdf")
    np.testing.assert_allclose(values, raw / quantile * 80 / math.sqrt(3), rtol=1e-5)


def test_a_margin_is_the_mirrored_border_and_leaves_the_image_in_the_middle() -> None:
    images = random_image(2, 3, 6, 7)
    enlarged = with_margin(images, 3)
    assert torch.equal(enlarged[..., 1:7, 1:8], images)
    assert torch.equal(enlarged[..., 0, 1:8], images[..., 1, :])
    assert torch.equal(enlarged[..., 7:, 1:8], images[..., 3:5, :].flip(-2))
    assert torch.equal(with_margin(images, 0), images)
