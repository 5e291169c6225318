from __future__ import annotations

import pytest
import torch
from torch import nn

from preimage.app.choices import CLASSICAL, Choices
from preimage.app.options import AppOptions
from preimage.networks import Network
from preimage.preprocessing import Preprocessing

NAME = "import:mine.make"


def network(name: str = NAME) -> Network:
    """The same small network each time, whatever ran before."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = nn.Sequential(
            nn.Conv2d(3, 4, 5, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
    return Network(module, Preprocessing((127.5,) * 3, size=(32, 48)), name, ("a", "b", "c", "d"))


def make_choices() -> Choices:
    """The choices of a visitor if there is one small network."""
    return Choices(AppOptions((NAME,)), network)


def test_a_network_is_described_by_layers_classes_and_size() -> None:
    facts = make_choices().facts(NAME)
    assert [layer.name for layer in facts.layers] == ["0", "1", "2", "3"]
    assert facts.layers[0].words == "0: sees 5 x 5 pixels, every 2; 4 channels"
    assert "the whole image" in facts.layers[2].words
    assert facts.classes == ("a", "b", "c", "d")
    assert facts.size == (32, 48)
    assert facts.middle == "2"


def test_a_network_is_loaded_once() -> None:
    loaded: list[str] = []

    def load(name: str) -> Network:
        loaded.append(name)
        return network(name)

    choices = Choices(AppOptions((NAME,)), load)
    assert loaded == []
    assert choices.facts(NAME) is choices.facts(NAME)
    assert loaded == [NAME]


@pytest.mark.parametrize("name", ["import:os.getcwd", "matconvnet:/etc/passwd", "../x", "hog/1"])
def test_what_is_not_listed_is_not_loaded(name: str) -> None:
    def load(name: str) -> Network:
        raise AssertionError(name)

    with pytest.raises(ValueError, match="unknown network"):
        Choices(AppOptions((NAME,)), load).representation(name, "0")


@pytest.mark.parametrize("layer", ["9", "1|pca:/etc/passwd", "0.weight"])
def test_a_layer_that_is_not_listed_is_refused(layer: str) -> None:
    with pytest.raises(ValueError, match="unknown layer"):
        make_choices().representation(NAME, layer)


def test_names_are_those_of_the_command_line() -> None:
    choices = make_choices()
    assert choices.representation("hogb", None) == "hogb"
    assert choices.representation(NAME, "1") == f"{NAME}/1"
    names = [name for _, name in choices.representations()]
    assert names[: len(CLASSICAL) + 1] == [*CLASSICAL, NAME]


def test_only_shipped_photos_have_a_name() -> None:
    choices = Choices(AppOptions())
    assert choices.photo("chelsea").is_file()
    with pytest.raises(ValueError, match="unknown photo"):
        choices.photo("../photos/chelsea")
