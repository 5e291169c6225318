"""The numbers of a result: those of `invert`, the class, and how natural it looks."""

from __future__ import annotations

import pytest
import torch

from preimage.catalog import network
from preimage.images import load_image
from preimage.photo_files import shipped_photos
from preimage.presets import CLASSICAL_QUALITIES
from preimage.representations.hog import HOG
from preimage.studies.measures import (
    class_agreement,
    gradient_intersection,
    measure,
    measure_reconstruction,
)
from preimage.visualizations import invert

CHELSEA = shipped_photos()["chelsea"]


def test_a_reconstruction_is_measured_as_an_inversion_is() -> None:
    phi = HOG()
    original = phi.preprocessing.load(CHELSEA, 48)[None]
    result = invert(phi, CHELSEA, size=48, settings=CLASSICAL_QUALITIES["fast"].with_steps(4))
    expected = measure(result, None)
    found = measure_reconstruction(phi, result.images, original, phi.encode(original), 0.5)
    for name in ("error", "psnr", "ssim"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-6)
    assert (found.steps, found.energy, found.class_agrees) == (None, None, None)
    shown = measure_reconstruction(phi, result.shown, original, phi.encode(original), 0.5)
    assert shown.naturalness == expected.naturalness


def test_a_class_agrees_if_it_is_that_of_the_highest_score() -> None:
    lite0 = network("efficientnet-lite0", "random")
    originals = torch.stack([lite0.preprocessing.load(CHELSEA), torch.zeros(3, 224, 224)])
    assert class_agreement(lite0, originals, originals) == [True, True]
    scores = [lite0.module(lite0.preprocessing.to_network(x[None])).argmax() for x in originals]
    assert (
        class_agreement(lite0, originals, originals.flip(0)) == [bool(scores[0] == scores[1])] * 2
    )
    larger = torch.zeros(1, 3, 320, 320)
    assert class_agreement(lite0, larger, larger) in ([None], [True])


def test_noise_is_less_natural_than_a_blurred_photo() -> None:
    photo = load_image(CHELSEA)
    noise = torch.rand(photo.shape, generator=torch.Generator().manual_seed(0)) * 255
    blurred = torch.nn.functional.avg_pool2d(photo, 3, 1, 1)
    assert gradient_intersection(photo, photo) == pytest.approx(1)
    assert gradient_intersection(noise, photo) < 0.5 < gradient_intersection(blurred, photo) < 1
