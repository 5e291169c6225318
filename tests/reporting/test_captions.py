from __future__ import annotations

import pytest
from torch import nn

from preimage import DSIFT, HOG, Layer, Preprocessing
from preimage.reporting.captions import code_in_words, error_in_words, heading
from preimage.representations.base import Representation

PREPARE = Preprocessing(mean=(127.5,) * 3, size=(32, 32))
NETWORK = nn.Sequential(
    nn.Conv2d(3, 8, 5, stride=4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)
)


def layer(name: str) -> Layer:
    return Layer(NETWORK, name, PREPARE, name=f"mine/{name}")


@pytest.mark.parametrize(
    ("representation", "words"),
    [
        (HOG(), "What 4 x 4 cells of HOG still tell"),
        (HOG(bilinear=True), "What 4 x 4 cells of HOGb still tell"),
        (DSIFT(cell_size=4), "What 2 x 2 descriptors of dense SIFT still tell"),
        (layer("1"), "What 7 x 7 responses of this layer still tell"),
        (layer("2"), "What 8 responses without a place still tell"),
        (layer("4"), "What 5 responses without a place still tell"),
    ],
)
def test_a_heading_says_how_many_positions_a_code_has(
    representation: Representation, words: str
) -> None:
    assert heading(representation.name, representation.code_grid(32, 32)) == words


@pytest.mark.parametrize(
    ("representation", "words"),
    [
        (HOG(), "432 numbers, 42 % of the photo's 1,024."),
        (layer("1"), "392 numbers, 13 % of the photo's 3,072. Each depends on 5 x 5 pixels."),
        (layer("4"), "5 numbers, 0.16 % of the photo's 3,072. Each can depend on the whole photo."),
        (DSIFT(cell_size=2), "3,200 numbers, 3.1 times the photo's 1,024."),
    ],
)
def test_the_size_of_a_code_is_compared_with_the_photos(
    representation: Representation, words: str
) -> None:
    field = representation.receptive_field
    shape = (representation.preprocessing.channels, 32, 32)
    size = None if field is None else field.size
    grid = representation.code_grid(32, 32)
    assert code_in_words(representation.name, grid, size, shape) == words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (0.0002, "Error below 0.1 %: the photo's code but for traces"),
        (0.044, "Error 4.4 %: the photo's code but for traces"),
        (0.075, "Error 7.5 %: very nearly"),
        (0.12, "Error 12 %: very nearly"),
        (0.18, "Error 18 %: nearly"),
        (0.4, "Error 40 %: much"),
        (0.95, "Error 95 %: no picture"),
    ],
)
def test_an_error_says_how_near_the_code_is(error: float, words: str) -> None:
    assert error_in_words(error).startswith(words)
