"""Arguments that no visualization can use, and the start of the shared procedure."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tests.support import random_image

from preimage.preprocessing import GRAY
from preimage.representations.hog import HOG
from preimage.visualizations.solve import check_arguments, load_photos, noise, with_margin


def test_what_is_no_representation_is_named_with_an_example() -> None:
    with pytest.raises(TypeError, match=r"such as preimage\.HOG\(\) .*, not 'hog'"):
        check_arguments("hog", [0])


def test_seeds_are_a_sequence_with_at_least_one() -> None:
    check_arguments(HOG(), range(3))
    with pytest.raises(TypeError, match="seeds must be a list or a range of seeds, not 3"):
        check_arguments(HOG(), 3)
    with pytest.raises(ValueError, match="no seed was given"):
        check_arguments(HOG(), [])


def test_one_photo_is_a_batch_of_one() -> None:
    photo = np.zeros((4, 5))
    assert load_photos(GRAY, photo, None).shape == (1, 1, 4, 5)
    assert load_photos(GRAY, [photo, photo], (2, 3)).shape == (2, 1, 2, 3)
    with pytest.raises(ValueError, match="no image was given"):
        load_photos(GRAY, [], None)


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
