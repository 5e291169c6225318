"""Principal components as colors."""

from __future__ import annotations

import numpy as np
import torch

from preimage.bands import principal_colors
from tests.support import random_image


def test_the_colors_are_the_principal_components_by_numpy() -> None:
    image = random_image(5, 20, 30) * torch.tensor([3.0, 2.0, 1.0, 0.5, 0.1]).view(-1, 1, 1)
    pixels = image.flatten(1).numpy()
    pixels = pixels - pixels.mean(1, keepdims=True)
    left, scales, _ = np.linalg.svd(pixels, full_matrices=False)
    expected = left[:, :3].T @ pixels / (scales[:3, None] / np.sqrt(pixels.shape[1]))
    expected *= np.sign(left[:, :3].sum(0))[:, None]
    found = principal_colors(image, image).flatten(1).numpy()
    np.testing.assert_allclose(found, expected * 127.5 / 2.5 + 127.5, atol=1e-8)


def test_two_images_are_shown_in_the_colors_of_one() -> None:
    image, like = random_image(4, 8, 8), random_image(4, 9, 9, seed=1)
    both = torch.stack([image, image + 10])
    first, second = (principal_colors(one, like) for one in both)
    shift = (second - first).flatten(1)
    torch.testing.assert_close(shift, shift[:, :1].expand_as(shift))


def test_a_third_component_that_does_not_exist_is_gray() -> None:
    of_two = random_image(2, 8, 8)
    assert principal_colors(of_two, of_two)[2].unique().tolist() == [127.5]
    copies = random_image(1, 8, 8).repeat(4, 1, 1)
    colors = principal_colors(copies, copies)
    assert colors[1:].unique().tolist() == [127.5]
    assert colors[0].std() > 40


def test_bright_pixels_of_all_channels_are_bright() -> None:
    ramp = torch.linspace(0, 255, 64).reshape(1, 8, 8).repeat(6, 1, 1)
    assert bool((principal_colors(ramp, ramp)[0].flatten().diff() > 0).all())
