"""Likeness of pictures and photos, by hand and by the functions for single pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from tests.audit.planted import judge, textures, to_picture

from preimage.audit.intervals import luck
from preimage.audit.likeness import Gallery, conjunction
from preimage.images import ssim
from preimage.preprocessing import GRAY
from preimage.studies.natural_statistics import resized

PHOTOS = textures(4)


def _gray(picture: Image.Image) -> torch.Tensor:
    return GRAY.to_255(GRAY.to_core(resized(picture)))[None]


def test_ssim_of_all_pairs_is_that_of_single_ones() -> None:
    pictures = textures(4, seed=3)
    table = Gallery(PHOTOS).compare(pictures)["ssim", ""]
    for i, j in ((0, 0), (1, 3), (3, 1)):
        expected = float(ssim(_gray(pictures[i]), _gray(PHOTOS[j])))
        assert table[i, j] == pytest.approx(expected, abs=1e-5)


def test_each_row_names_the_photo_that_a_picture_is_nearest_to() -> None:
    tables = Gallery(PHOTOS, [judge()]).compare([PHOTOS[n] for n in (1, 0, 3, 2)])
    swapped = np.eye(4)[[1, 0, 3, 2]]
    for key in (("reidentified_pixels", ""), ("reidentified_hog", ""), ("same_class", "grain")):
        assert (tables[key] == swapped).all()


def test_a_picture_between_two_photos_is_nearest_to_none() -> None:
    flat = to_picture(np.full((64, 64, 3), 90.0))
    tables = Gallery(PHOTOS).compare([flat] * 4)
    assert not tables["reidentified_pixels", ""].any()
    assert not tables["reidentified", ""].any()


def test_colors_are_compared_without_their_places() -> None:
    """A mirrored photo has the mean color and the chromas of the photo."""
    mirrored = [photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for photo in PHOTOS]
    tables = Gallery(PHOTOS).compare(mirrored)
    assert np.diagonal(tables["color_distance", ""]) == pytest.approx(0, abs=0.01)
    assert np.diagonal(tables["color_histogram", ""]) == pytest.approx(1, abs=0.01)
    assert tables["color_distance", ""].max() <= 0


def _guesses(truth: float, random: np.random.Generator, count: int = 24) -> np.ndarray:
    """A table of reconstructions that name their own photo with this rate, otherwise any photo."""
    named = random.integers(count, size=count)
    return np.eye(count)[np.where(random.random(count) < truth, np.arange(count), named)]


@pytest.mark.parametrize(("contents", "arrangement"), [(0.96, 0), (0.5, 0), (0, 0.96), (0, 0)])
def test_no_photo_is_reidentified_by_the_luck_of_one_of_two_measures(
    contents: float, arrangement: float
) -> None:
    """A true leak of contents does not make lucky hits of the arrangement a finding."""
    random = np.random.default_rng(0)
    lucky = 0
    for _ in range(60):
        by_judge, pixels, hog = (
            _guesses(rate, random) for rate in (contents, arrangement, arrangement)
        )
        both = conjunction(np.maximum(pixels, hog), by_judge)
        assert (np.diagonal(both) == np.diagonal(np.maximum(pixels, hog) * by_judge)).all()
        lucky += luck([both, by_judge, pixels, hog])[0] < 0.05
    assert lucky <= 6


def test_pictures_that_are_like_a_few_photos_reidentify_none_of_them() -> None:
    """Both measures agree on a photo, which is one of three whatever the true one is."""
    random = np.random.default_rng(0)
    lucky = 0
    for _ in range(60):
        both = np.eye(24)[random.integers(3, size=24)]
        lucky += luck([conjunction(both, both), both])[0] < 0.05
    assert lucky <= 6


def test_photos_that_both_measures_name_are_no_luck() -> None:
    random = np.random.default_rng(0)
    by_judge, arrangement = _guesses(0.96, random), _guesses(0.3, random)
    assert luck([conjunction(arrangement, by_judge), by_judge, arrangement])[0] < 0.01
