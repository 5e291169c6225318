"""Statistics that photos share: against NumPy, and on pictures whose statistics are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from preimage.images import load_image
from preimage.photo_files import shipped_photos
from preimage.studies.natural_statistics import (
    SIDE,
    contrast,
    gradient_intersection,
    natural_gradients,
    resized,
    spectrum_slope,
)

PHOTOS = [resized(Image.open(path)) for path in shipped_photos().values()]
NOISE = torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(0)) * 255


def test_noise_is_less_natural_than_a_blurred_photo() -> None:
    photo = load_image(shipped_photos()["chelsea"])
    noise = torch.rand(photo.shape, generator=torch.Generator().manual_seed(0)) * 255
    blurred = torch.nn.functional.avg_pool2d(photo, 3, 1, 1)
    assert gradient_intersection(photo, photo) == pytest.approx(1)
    assert gradient_intersection(noise, photo) < 0.5 < gradient_intersection(blurred, photo) < 1


def _lengths(picture: Tensor) -> np.ndarray:
    """The histogram of the lengths of forward differences, by NumPy."""
    gray = picture.numpy().astype(np.float64).mean(0)
    lengths = np.hypot(gray[1:, :-1] - gray[:-1, :-1], gray[:-1, 1:] - gray[:-1, :-1])
    counts, _ = np.histogram(lengths, np.concatenate([[0], 2 ** np.linspace(-1, 8, 40)]))
    return np.asarray(counts / counts.sum())


@pytest.mark.parametrize("index", [0, 3])
def test_the_gradients_are_compared_with_the_mean_histogram_of_the_photos(index: int) -> None:
    reference = np.mean([_lengths(photo) for photo in PHOTOS], axis=0)
    expected = np.minimum(_lengths(PHOTOS[index]), reference).sum()
    assert natural_gradients(PHOTOS[index]) == pytest.approx(expected, abs=1e-3)


def test_photos_have_natural_gradients_and_noise_has_not() -> None:
    assert min(map(natural_gradients, PHOTOS)) > 0.6
    assert natural_gradients(NOISE) < 0.3
    assert natural_gradients(torch.full_like(NOISE, 100)) < 0.3


@pytest.mark.parametrize("slope", [-2.0, -1.0, 0.0])
def test_the_slope_of_a_spectrum_is_the_exponent_of_its_amplitude(slope: float) -> None:
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE), indexing="ij"))
    frequency[0, 0] = 1
    spectrum = np.fft.fft2(np.random.default_rng(0).standard_normal((SIDE, SIDE)))
    picture = torch.from_numpy(np.fft.ifft2(spectrum * frequency**slope).real)[None]
    assert spectrum_slope(picture) == pytest.approx(slope, abs=0.1)
    assert spectrum_slope(3 * picture + 100) == pytest.approx(spectrum_slope(picture), abs=0.02)


def test_photos_have_the_slope_that_is_known_of_them() -> None:
    slopes = [spectrum_slope(photo) for photo in PHOTOS]
    assert np.mean(slopes) == pytest.approx(-1.32, abs=0.1)


def test_contrast_is_the_deviation_of_all_channels_together() -> None:
    picture = torch.zeros(3, 4, 4)
    assert contrast(picture) == 0
    picture[0] = 90
    assert contrast(picture) == pytest.approx(90 * math.sqrt(2) / 3)
