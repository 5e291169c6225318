from __future__ import annotations

import pytest
import torch
from torch import nn

from preimage import DSIFT, HOG, Layer, Preprocessing
from preimage.reporting.captions import code_in_words, error_in_words, heading
from preimage.representations.base import Representation

PREPARE = Preprocessing(mean=(127.5,) * 3, size=(32, 32))
NETWORK = nn.Sequential(
    nn.Conv2d(3, 8, 5, stride=4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)
)


@pytest.mark.parametrize(
    ("representation", "words"),
    [
        (HOG(), "What 4 x 4 cells of HOG still tell"),
        (HOG(bilinear=True), "What 4 x 4 cells of HOGb still tell"),
        (DSIFT(cell_size=4), "What 2 x 2 descriptors of dense SIFT still tell"),
        (Layer(NETWORK, "1", PREPARE), "What 7 x 7 responses of this layer still tell"),
        (Layer(NETWORK, "2", PREPARE), "What 8 responses without a place still tell"),
        (Layer(NETWORK, "4", PREPARE), "What 5 responses without a place still tell"),
    ],
)
def test_a_heading_says_how_many_places_a_code_has(
    representation: Representation, words: str
) -> None:
    assert heading(representation, (32, 32)) == words


def test_the_size_of_a_code_is_compared_with_the_photo() -> None:
    seven = Layer(NETWORK, "1", PREPARE)
    assert code_in_words(seven, (32, 32)) == (
        "392 numbers, 13 % of the photo's 3,072. Each depends on 5 x 5 pixels."
    )
    assert code_in_words(Layer(NETWORK, "4", PREPARE), (32, 32)) == (
        "5 numbers, 0.16 % of the photo's 3,072. Each can depend on the whole photo."
    )
    assert code_in_words(DSIFT(cell_size=4), (32, 32)).startswith(
        f"{torch.tensor(DSIFT(cell_size=4).code_shape(32, 32)).prod():,} numbers, "
    )
    wide = Layer(nn.Sequential(nn.Conv2d(1, 20, 1)), "0", Preprocessing(mean=(127.5,), size=(8, 8)))
    assert "1,280 numbers, 20 times the photo's 64" in code_in_words(wide, (8, 8))


@pytest.mark.parametrize(
    ("error", "words"),
    [(0.021, "Error 2.1 %: nearly"), (0.4, "Error 40 %: much"), (0.95, "Error 95 %: no picture")],
)
def test_an_error_says_how_near_the_code_is(error: float, words: str) -> None:
    assert error_in_words(error).startswith(words)
