"""CIELAB against scikit-image, and what is measured in it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.color import deltaE_cie76, rgb2lab

from preimage.studies.colors import color_error, saturation, to_lab

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (2, 3, 17, 9)).astype(np.uint8)


def _lab(picture: np.ndarray) -> np.ndarray:
    return np.asarray(rgb2lab(picture.transpose(1, 2, 0)))


def test_lab_is_that_of_scikit_image_up_to_the_digits_of_its_white_point() -> None:
    found = to_lab(torch.from_numpy(PICTURES[0])).permute(1, 2, 0)
    np.testing.assert_allclose(found, _lab(PICTURES[0]), atol=0.02)


def test_color_error_and_saturation_are_means_over_the_picture() -> None:
    a, b = (torch.from_numpy(picture) for picture in PICTURES)
    expected = deltaE_cie76(_lab(PICTURES[0]), _lab(PICTURES[1])).mean()
    assert color_error(a, b) == pytest.approx(expected, rel=1e-3)
    assert color_error(a, a) == 0
    assert saturation(a) == pytest.approx(np.abs(_lab(PICTURES[0])[..., 1:]).mean(), rel=1e-3)


def test_gray_has_no_saturation() -> None:
    gray = torch.arange(256.0).expand(3, 1, 256)
    assert saturation(gray) == pytest.approx(0, abs=1e-9)
