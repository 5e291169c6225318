"""Loaded networks: their layers with C, and their classes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from preimage.models import efficientnet_lite, zoo
from preimage.models.layers import build
from preimage.networks import Network
from preimage.preprocessing import GRAY, Preprocessing

CLASSES = ("goldfish, Carassius auratus", "tree frog, tree-frog", "crane", "crane", "goose")
NAMED = Network("named", nn.Flatten(), GRAY, CLASSES)


def lite0() -> Network:
    found = efficientnet_lite.load("random")
    return Network("efficientnet-lite0", found.module, found.preprocessing)


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("vgg-m", {"conv1": 300, "relu3": 300, "conv4": 100, "relu4": 100, "conv5": 20,
                   "relu5": 20, "pool5": 1, "fc8": 1}),
        ("vgg-vd-16", {"conv1_1": 300, "conv4_3": 300, "relu4_3": 100, "conv5_1": 100,
                       "relu5_1": 20, "conv5_3": 20, "relu5_3": 1, "pool5": 1}),
    ],
)  # fmt: skip
def test_the_loss_weights_are_those_of_section_5_2_1(name: str, weights: dict[str, float]) -> None:
    with torch.device("meta"):
        module = build(zoo.get(name).layers)
    weighted = zoo.get(name).loss_weights
    found = Network(name, module, Preprocessing(mean=(0.0,) * 3), (), weighted)
    assert {layer: found.layer(layer).loss_weight for layer in weights} == weights


def test_layers_of_one_network_share_its_weights() -> None:
    lite = lite0()
    x = torch.rand(1, 3, 32, 32)
    assert torch.equal(lite.layer("head.act")(x), lite.layer("head")(x))


def test_several_layers_of_a_network_are_computed_at_once() -> None:
    lite = lite0()
    x = torch.rand(1, 3, 32, 32)
    both = lite.several(["blocks.3", "stem"])
    assert [layer.name for layer in both.layers.values()] == [
        "efficientnet-lite0/blocks.3", "efficientnet-lite0/stem",
    ]  # fmt: skip
    assert torch.equal(both.outputs(x)["blocks.3"], lite.layer("blocks.3")(x))


@pytest.mark.parametrize(("stride", "weight"), [(4, 300), (5, 100), (8, 100), (16, 20), (17, 1)])
def test_networks_without_a_table_have_loss_weights_by_stride(stride: int, weight: float) -> None:
    module = nn.Sequential(nn.Conv2d(1, 2, 3, stride))
    assert Network("mine", module, GRAY).layer("0").loss_weight == weight


def test_the_main_layers_are_the_blocks_of_chains_and_other_children() -> None:
    assert lite0().main_layers == (
        "stem",
        *(f"blocks.{i}" for i in range(16)),
        "head",
        "pool",
        "classifier",
    )


def test_the_scores_are_those_of_the_last_layer_with_weights() -> None:
    assert lite0().score_layer == "classifier"
    with pytest.raises(ValueError, match="named has no layer of class scores"):
        NAMED.score_layer  # noqa: B018


def test_a_class_is_found_by_any_of_its_names_or_its_number() -> None:
    assert NAMED.class_index("Tree Frog") == 1
    assert NAMED.class_index("carassius auratus") == 0
    assert NAMED.class_index("4") == 4


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tree frag", "did you mean 'tree frog'"),
        ("crane", "several classes are called 'crane': 2, 3"),
        ("5", "unknown class '5'"),
    ],
)
def test_a_class_that_is_not_there_is_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NAMED.class_index(name)
    with pytest.raises(ValueError, match="have no names"):
        Network("unnamed", nn.Flatten(), GRAY).class_index(name)
