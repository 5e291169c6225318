"""The numbers of a result: those of `invert`, and the class."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch

from preimage.catalog import network
from preimage.photo_files import shipped_photos
from preimage.presets import CLASSICAL_QUALITIES
from preimage.representations.hog import HOG
from preimage.studies.judge import Judgement
from preimage.studies.measures import (
    Measures,
    class_agreement,
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
    lite0 = network("efficientnet-lite0", weights="random")
    originals = torch.stack([lite0.preprocessing.load(CHELSEA), torch.zeros(3, 224, 224)])
    assert class_agreement(lite0, originals, originals) == [True, True]
    scores = [lite0.module(lite0.preprocessing.to_network(x[None])).argmax() for x in originals]
    assert (
        class_agreement(lite0, originals, originals.flip(0)) == [bool(scores[0] == scores[1])] * 2
    )
    larger = torch.zeros(1, 3, 320, 320)
    assert class_agreement(lite0, larger, larger) in ([None], [True])


def test_numbers_survive_as_plain_data() -> None:
    for judged in (None, Judgement(feature_distance=0.5)):
        measures = Measures(seconds=1, error=0.1, judged=judged)
        assert Measures.from_dict(dataclasses.asdict(measures)) == measures
    assert Measures.from_dict({"seconds": 1}) == Measures(seconds=1)  # before there were judges
    others: list[Any] = [[], {"seconds": 1, "judged": 3}, {"seconds": 1, "judged": {"far": 3}}]
    for other in others:
        with pytest.raises(TypeError):
            Measures.from_dict(other)
