"""The networks that are known by name."""

from __future__ import annotations

import re

import pytest
import torch

from preimage.models import zoo
from preimage.models.architecture import Normalization
from preimage.models.errors import ModelError
from preimage.models.layers import build

PARAMETERS = {
    "alexnet": 60_965_224,
    "caffenet": 60_965_224,
    "vgg-m": 102_908_520,
    "vgg-vd-16": 138_357_544,
    "vgg-vd-19": 143_667_240,
}


@pytest.mark.parametrize("name", zoo.NETWORKS)
def test_a_network_classifies_an_image_of_its_size_into_1000_classes(name: str) -> None:
    network = zoo.get(name)
    with torch.device("meta"):
        scores = build(network.layers)(torch.zeros(1, 3, *network.image_size))
    assert scores.is_meta
    assert scores.shape == (1, 1000, 1, 1)


@pytest.mark.parametrize("name", zoo.NETWORKS)
def test_a_network_runs_on_a_larger_image(name: str) -> None:
    network = zoo.get(name)
    with torch.device("meta"):
        scores = build(network.layers)(torch.zeros(1, 3, *(n + 32 for n in network.image_size)))
    assert scores.shape == (1, 1000, 2, 2)


@pytest.mark.parametrize(("name", "count"), PARAMETERS.items())
def test_a_network_has_the_published_number_of_parameters(name: str, count: int) -> None:
    with torch.device("meta"):
        network = build(zoo.get(name).layers)
    assert sum(weights.numel() for weights in network.parameters()) == count


@pytest.mark.parametrize(
    ("name", "kappa", "alpha"), [("alexnet", 1, 2e-5), ("caffenet", 1, 2e-5), ("vgg-m", 2, 1e-4)]
)
def test_normalization_has_the_constants_of_the_zoo(name: str, kappa: float, alpha: float) -> None:
    norms = [x for x in zoo.get(name).layers if isinstance(x, Normalization)]
    assert [(x.size, x.kappa, x.alpha, x.beta) for x in norms] == [(5, kappa, alpha, 0.75)] * 2


def test_alexnet_normalizes_before_pooling_and_caffenet_after() -> None:
    alexnet = [layer.name for layer in zoo.get("alexnet").layers]
    caffenet = [layer.name for layer in zoo.get("caffenet").layers]
    assert alexnet[:4] == ["conv1", "relu1", "norm1", "pool1"]
    assert caffenet[:4] == ["conv1", "relu1", "pool1", "norm1"]
    assert sorted(alexnet) == sorted(caffenet)


def test_every_network_says_where_it_comes_from() -> None:
    for name, network in zoo.NETWORKS.items():
        assert network.name == name
        assert re.fullmatch("[0-9a-f]{32}", network.md5)
        assert network.file.endswith(".mat")
        assert network.license
        assert network.citation
    assert len({network.md5 for network in zoo.NETWORKS.values()}) == len(zoo.NETWORKS)


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ModelError, match=r"'vgg-vd16'.*did you mean 'vgg-vd-16'\?"):
        zoo.get("vgg-vd16")


def test_an_unknown_name_is_answered_with_all_of_them() -> None:
    with pytest.raises(ModelError, match="there are alexnet, caffenet"):
        zoo.get("resnet50")
