"""The length of vectors: what cannot be codes is refused, with what to do."""

import pytest
import torch
from torch import nn

from preimage.audit.lengths import check_length, layers_of_length
from preimage.networks import Network
from preimage.preprocessing import Preprocessing
from preimage.representations.hog import HOG
from preimage.representations.layer import Layer
from preimage.representations.transformations import First, Projection
from preimage.representations.transformed import Transformed

PREPROCESSING = Preprocessing(mean=(120.0,) * 3, size=(2, 2))


@pytest.fixture
def network() -> Network:
    module = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, 7))
    return Network(module, PREPROCESSING, "tiny")


@pytest.fixture
def layer(network: Network) -> Layer:
    return network.layer("3")


@pytest.mark.parametrize(
    ("length", "message"),
    [
        (5, r"have 5 values, but codes of tiny/3 have 7: .*--projection FILE.*'tiny/3\|first:5'"),
        (8, "have 8 values, but codes of tiny/3 have 7: they are of another layer or network"),
    ],
)
def test_another_length_is_refused_with_what_to_do(layer: Layer, length: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_length(length, layer)
    check_length(7, layer)


def test_shorter_vectors_may_be_first_values_if_that_is_found_out_later(layer: Layer) -> None:
    check_length(5, layer, may_be_first=True)
    with pytest.raises(ValueError, match="another layer or network"):
        check_length(8, layer, may_be_first=True)


def test_a_matrix_and_named_steps_change_the_length(layer: Layer) -> None:
    matrix = Projection("axes.npy", torch.eye(7)[:3])
    check_length(3, layer, matrix)
    with pytest.raises(ValueError, match="makes vectors of 3 values, not of 7"):
        check_length(7, layer, matrix)
    cut = Transformed(layer, [First(4)])
    check_length(4, cut)
    with pytest.raises(ValueError, match=r"have 7 values.* have 4: name other steps"):
        check_length(7, cut, may_be_first=True)


def test_a_layer_with_codes_of_any_length_is_refused() -> None:
    with pytest.raises(ValueError, match="codes of any length"):
        check_length(7, HOG())


def test_layers_of_a_length_are_found(network: Network) -> None:
    assert layers_of_length(network, 5) == ("1", "2")
    assert layers_of_length(network, 6) == ()
