"""Contrast given back: how much, to which images, and the usual contrast of photos."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from preimage.contrast import NATURAL_DEVIATIONS, restore_contrast
from preimage.opponent import from_opponent, to_opponent
from preimage.photo_files import shipped_photos
from preimage.preprocessing import Preprocessing
from tests.support import random_image

NATURAL = torch.tensor(NATURAL_DEVIATIONS, dtype=torch.float64)


def _faint(fractions: tuple[float, ...]) -> Tensor:
    """Return images whose deviations in opponent colors are these fractions of the usual ones."""
    colors = random_image(2, 3, 9, 8)
    colors = (colors - colors.mean((2, 3), keepdim=True)) / _deviations(colors)
    wanted = NATURAL * torch.tensor(fractions, dtype=torch.float64)
    return from_opponent(colors * wanted[:, None, None]) + 7


def _deviations(colors: Tensor) -> Tensor:
    return colors.std((2, 3), correction=0, keepdim=True)


def test_the_usual_deviations_are_those_of_the_shipped_photos() -> None:
    preprocessing = Preprocessing(mean=(127.5,) * 3, size=(224, 224))
    photos = [preprocessing.load(path, (224, 224)) for path in shipped_photos().values()]
    measured = torch.stack([to_opponent(photo).std((1, 2)) for photo in photos]).mean(0)
    torch.testing.assert_close(measured.double(), NATURAL, rtol=0, atol=0.05)


@pytest.mark.parametrize(
    ("shares", "fractions"),
    [((0, 0), (0.5, 0.5, 0.5)), ((1, 1), (1, 1, 1)), ((0.5, 1), (math.sqrt(0.5), 1, 1))],
)
def test_a_share_of_what_is_missing_is_given_back(
    shares: tuple[float, float], fractions: tuple[float, ...]
) -> None:
    faint = _faint((0.5, 0.5, 0.5))
    restored = to_opponent(restore_contrast(faint, *shares))
    expected = (NATURAL * torch.tensor(fractions)).expand(2, 3)
    torch.testing.assert_close(_deviations(restored)[..., 0, 0], expected)
    torch.testing.assert_close(restored.mean((2, 3)), to_opponent(faint).mean((2, 3)))


def test_no_contrast_is_taken_and_no_more_than_four_times_given() -> None:
    found = _deviations(to_opponent(restore_contrast(_faint((1.5, 0.1, 1)), 1, 1)))[..., 0, 0]
    expected = NATURAL * torch.tensor([1.5, 0.4, 1], dtype=torch.float64)
    torch.testing.assert_close(found, expected.expand(2, 3))


def test_a_flat_image_stays_flat() -> None:
    flat = torch.full((1, 3, 4, 4), 30.0)
    torch.testing.assert_close(restore_contrast(flat, 1, 1), flat)


def test_a_gray_image_gets_what_the_same_gray_in_color_gets() -> None:
    gray = random_image(2, 1, 9, 8, scale=60.0)
    in_color = restore_contrast(gray.expand(2, 3, 9, 8), 0.5, 1)
    torch.testing.assert_close(restore_contrast(gray, 0.5, 1).expand(2, 3, 9, 8), in_color)


def test_images_of_other_channels_stay_as_they_are() -> None:
    x = random_image(2, 5, 4, 4, scale=1.0)
    assert torch.equal(restore_contrast(x, 0.5, 1), x)


def test_the_rest_of_a_batch_does_not_change_an_image_by_a_bit() -> None:
    x = random_image(4, 3, 31, 29, scale=60.0).float()
    for n, restored in enumerate(restore_contrast(x, 0.5, 1)):
        assert torch.equal(restore_contrast(x[n : n + 1].clone(), 0.5, 1)[0], restored)
