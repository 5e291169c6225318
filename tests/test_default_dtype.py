"""A user's default type of torch changes no result: not the noise of a seed, nor anything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from preimage import DSIFT, HOG, Layer, Mask, caricature, invert, maximize
from preimage.catalog import network
from preimage.presets import MODERN, NNPREIMAGE
from preimage.representations.layers import Layers
from preimage.targets import direction, neuron
from tests.representations.networks import COLOR, resnet
from tests.support import random_image

SHORT = NNPREIMAGE.replace(iterations=2, final_iterations=1)
MODEL = resnet()
PHOTO = random_image(3, 32, 32).float().div(255).add(0.5)


@pytest.fixture
def in_float64() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def _results() -> dict[str, Callable[[], Tensor]]:
    body, stem = Layer(MODEL, "body", COLOR), Layer(MODEL, "stem", COLOR)
    few, black = MODERN.with_steps(2), torch.zeros(1, 3, 32, 32, dtype=torch.float32)
    mask = Mask(window=2)
    return {
        "hog": lambda: invert(HOG(), PHOTO, quality="draft").images,
        "dsift": lambda: invert(DSIFT(), PHOTO, settings=SHORT).images,
        "layer": lambda: invert(body, PHOTO, settings=SHORT).images,
        "mask": lambda: invert(stem, PHOTO, mask=mask, settings=SHORT).images,
        "layers": lambda: invert(Layers([body, stem]), PHOTO, settings=SHORT).images,
        "caricature": lambda: caricature(body, PHOTO, settings=SHORT).images,
        "channel": lambda: maximize(body, [0], settings=few).images,
        "neuron": lambda: maximize(body, [neuron(None, 0, 1, 1)], settings=few).images,
        "direction": lambda: maximize(body, [direction(None, [1.0] * 8)], settings=few).images,
        "diverse": lambda: maximize(body, [0], seeds=[0, 1], diversity=1, settings=few).images,
        "mosaic": lambda: maximize(stem, [0, 1], mosaic=True, settings=few).images,
        "field": lambda: torch.tensor([body.receptive_field.size if body.receptive_field else 0]),
        "loaded": lambda: network("efficientnet-lite0").layer("stem").encode(black),
    }


@pytest.mark.usefixtures("in_float64")
@pytest.mark.parametrize("name", _results())
def test_a_default_of_float64_changes_no_result(name: str) -> None:
    found = _results()[name]()
    torch.set_default_dtype(torch.float32)
    expected = _results()[name]()
    assert found.dtype == expected.dtype
    assert torch.equal(found, expected)
