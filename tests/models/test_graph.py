"""Networks whose layers form a graph."""

from __future__ import annotations

import copy

import torch
from torch import nn

from preimage.models.architecture import Concatenation, Convolution, Node, Rectifier, Sum
from preimage.models.graph import Graph, build

NODES = [
    Node(Convolution("one", (3, 3), 4, padding=(1, 1, 1, 1)), ("image",), "a"),
    Node(Rectifier("relu"), ("a",), "b"),
    Node(Concatenation("both"), ("b", "image"), "c"),
    Node(Convolution("two", (1, 1), 4, groups=1), ("c",), "d"),
    Node(Sum("sum"), ("d", "b"), "e"),
]


def test_each_layer_gets_the_maps_that_it_names() -> None:
    network = build(NODES, "image")
    x = torch.randn(2, 3, 6, 5)
    b = torch.relu(network.get_submodule("one")(x))
    expected = network.get_submodule("two")(torch.cat([b, x], 1)) + b
    assert isinstance(network, Graph)
    assert torch.equal(network(x), expected)
    assert torch.equal(copy.deepcopy(network)(x), expected)


def test_nodes_in_a_row_become_a_chain() -> None:
    network = build(NODES[:2], "image", channels=5)
    assert isinstance(network, nn.Sequential)
    assert network(torch.zeros(1, 5, 4, 4)).shape == (1, 4, 4, 4)
