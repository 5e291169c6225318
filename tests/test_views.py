"""Views: each image's own window, shifted, turned and zoomed."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import affine_transform
from torch import Tensor

from preimage.views import affine, center_crop, draw_views, jitter, sample
from tests.support import random_image


def test_jitter_takes_each_images_own_window() -> None:
    x = random_image(3, 2, 8, 9)
    crops = jitter(x, torch.tensor([[0, 0], [2, 1], [3, 4]]), (5, 5))
    assert torch.equal(crops[0], x[0, :, :5, :5])
    assert torch.equal(crops[1], x[1, :, 2:7, 1:6])
    assert torch.equal(crops[2], x[2, :, 3:, 4:])


def test_a_view_that_neither_turns_nor_zooms_is_the_jitter() -> None:
    x = random_image(3, 2, 8, 9)
    offsets = torch.tensor([[0, 0], [2, 1], [3, 4]])
    views = torch.cat([offsets, torch.zeros(3, 1), torch.ones(3, 1)], dim=1)
    torch.testing.assert_close(affine(x, views, (5, 5)), jitter(x, offsets, (5, 5)))


@pytest.mark.parametrize(("angle", "zoom"), [(0.3, 1.0), (0.0, 1.4), (-0.5, 0.8)])
def test_a_view_is_what_scipy_samples(angle: float, zoom: float) -> None:
    x = random_image(1, 1, 20, 23)
    size, corner = (9, 10), np.array([5.0, 6.0])
    middle = (np.array(size) - 1) / 2
    cos, sin = math.cos(angle) / zoom, math.sin(angle) / zoom
    matrix = np.array([[cos, sin], [-sin, cos]])
    expected = affine_transform(
        x[0, 0].numpy(),
        matrix,
        offset=corner + middle - matrix @ middle,
        output_shape=size,
        order=1,
        mode="mirror",
    )
    seen = affine(x, torch.tensor([[5, 6, angle, zoom]], dtype=torch.float64), size)
    np.testing.assert_allclose(seen[0, 0].numpy(), expected, atol=1e-9)


def test_the_gradient_of_a_view_is_that_of_finite_differences() -> None:
    x = random_image(2, 2, 7, 8).requires_grad_()
    views = torch.tensor([[0.0, 1.0, 0.2, 1.1], [2.0, 0.0, -0.4, 0.9]], dtype=torch.float64)

    def seen(image: Tensor) -> Tensor:
        return affine(image, views, (5, 6))

    assert torch.autograd.gradcheck(seen, (x,))


@pytest.mark.parametrize("length", [1, 2, 7])
def test_gathered_values_and_their_gradient_are_those_of_grid_sample(length: int) -> None:
    """Also far outside of the image, whose mirror images go on."""
    x = random_image(2, 3, length, 5).requires_grad_()
    generator = torch.Generator().manual_seed(0)
    places = torch.rand(2, 2, 6, 8, generator=generator, dtype=torch.float64)
    rows, columns = places[0] * 60 - 30, places[1] * 60 - 30
    relative = [
        places * (2 / (side - 1)) - 1 if side > 1 else places * 0
        for places, side in ((columns, 5), (rows, length))
    ]
    expected = torch.nn.functional.grid_sample(
        x, torch.stack(relative, -1), padding_mode="reflection", align_corners=True
    )
    found = sample(x, rows, columns)
    torch.testing.assert_close(found, expected)
    weights = random_image(*expected.shape)
    gradients = [torch.autograd.grad(y, x, weights)[0] for y in (found, expected)]
    torch.testing.assert_close(*gradients)


def test_views_of_an_image_depend_on_its_own_generator_alone() -> None:
    def generator(seed: int) -> torch.Generator:
        return torch.Generator().manual_seed(seed)

    together = draw_views([generator(3), generator(4)], 5, 8, 20, 1.3)
    alone = draw_views([generator(4)], 5, 8, 20, 1.3)
    assert together is not None
    assert alone is not None
    assert torch.equal(together[:, 1:], alone)


def test_views_stay_within_their_ranges() -> None:
    views = draw_views([torch.Generator().manual_seed(0)], 2000, 8, 20, 1.3)
    assert views is not None
    offsets, angles, zooms = views[..., :2], views[..., 2], views[..., 3]
    assert (offsets.min().item(), offsets.max().item()) == (0, 7)
    assert math.radians(19) < angles.abs().max() <= math.radians(20)
    assert 1.29 < zooms.max() <= 1.3001
    assert 1 / 1.3001 < zooms.min() < 1 / 1.29


def test_nothing_is_drawn_where_all_views_are_the_same() -> None:
    assert draw_views([torch.Generator()], 5, 1) is None


def test_the_center_crop_is_at_the_center() -> None:
    x = torch.arange(42.0).reshape(1, 1, 6, 7)
    assert torch.equal(center_crop(x, (4, 3)), x[..., 1:5, 2:5])
    assert torch.equal(center_crop(x, (6, 7)), x)
