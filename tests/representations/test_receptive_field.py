"""Receptive fields by the chain rule: Tables 1-3, and what gradients measure."""

from __future__ import annotations

import csv
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.representations.networks import COLOR, resnet
from torch import nn

import preimage
from preimage.models import zoo
from preimage.models.architecture import Convolution, Pooling
from preimage.models.layers import PaddedConv2d, PaddedMaxPool2d, build
from preimage.representations.layer import Layer
from preimage.representations.receptive_field import (
    Box,
    ReceptiveField,
    chain_rule,
    grid_stride,
    measure,
)

PUBLISHED = Path(preimage.__file__).parent / "paper" / "published"
TABLES = {"alexnet": "table1.csv", "vgg-m": "table2.csv", "vgg-vd-16": "table3.csv"}


def rows(name: str) -> list[dict[str, str]]:
    with (PUBLISHED / TABLES[name]).open(newline="") as file:
        return list(csv.DictReader(file))


@cache
def computed(name: str) -> list[dict[str, str]]:
    """Our own table of a network, in the format of the published one."""
    network = zoo.get(name)
    with torch.device("meta"):
        trunk, x = build(network.layers), torch.zeros(1, 3, *network.image_size)
    fields = chain_rule(trunk)
    table = [{"layer": "0", "name": "image", "kernel": "", "field": "", "stride": ""}]
    table[0]["channels"] = str(x.shape[1])
    for number, layer in enumerate(network.layers, start=1):
        x = trunk.get_submodule(layer.name)(x)
        kernel = layer.kernel[0] if isinstance(layer, Convolution | Pooling) else 1
        field = fields[layer.name]
        values = (number, layer.name, kernel, field.size, field.stride, x.shape[1])
        table.append({key: str(value) for key, value in zip(table[0], values, strict=True)})
    return table


@pytest.mark.parametrize(
    ("name", "number"), [(name, number) for name in TABLES for number in range(len(rows(name)))]
)
def test_every_cell_of_tables_1_to_3_is_computed(name: str, number: int) -> None:
    assert computed(name)[number] == rows(name)[number]


def test_the_tables_have_79_layers_and_the_networks_no_more() -> None:
    assert sum(len(rows(name)) - 1 for name in TABLES) == 79
    assert all(len(computed(name)) == len(rows(name)) for name in TABLES)


def measured(layers: nn.Sequential, at: int, size: int) -> tuple[int, int]:
    """First and last row of the image that component (at, at) of the output depends on."""
    x = torch.zeros(1, 1, size, size, dtype=torch.float64, requires_grad=True)
    layers(x)[0, :, at, at].sum().backward()
    assert x.grad is not None
    (seen,) = torch.nonzero(x.grad.abs().sum((0, 1, 3)), as_tuple=True)
    return int(seen[0]), int(seen[-1])


@pytest.mark.parametrize(
    "layers",
    [
        nn.Sequential(nn.Conv2d(1, 2, 5, 2, 1), nn.Identity(), nn.AvgPool2d(3, 2)),
        nn.Sequential(nn.Conv2d(1, 2, 3, padding=2, dilation=2), nn.Conv2d(2, 1, 4, 3)),
        nn.Sequential(PaddedConv2d(1, 2, (4, 4), (2, 2), pads=(1, 0, 1, 0)), nn.AvgPool2d(2)),
        nn.Sequential(nn.AvgPool2d(3, 2, 1), nn.Conv2d(1, 1, 3, padding=1)),
    ],
)
def test_size_stride_and_offset_are_those_that_gradients_measure(layers: nn.Sequential) -> None:
    for parameter in layers.double().parameters():
        nn.init.ones_(parameter)
    *_, field = chain_rule(layers).values()
    for at in (3, 4):
        first, last = measured(layers, at, 80)
        assert last - first + 1 == field.size
        assert (first + last) / 2 == field.offset + at * field.stride


@pytest.mark.parametrize("padding", [(0, 1, 0, 1), (0, 0, 0, 0)])
def test_padding_at_the_bottom_and_the_right_moves_nothing(padding: Any) -> None:
    pool = nn.Sequential(PaddedMaxPool2d((3, 3), (2, 2), padding))
    assert chain_rule(pool) == {"0": ReceptiveField(size=3, stride=2, offset=1.0)}


def test_pointwise_layers_keep_the_field() -> None:
    trunk = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.LocalResponseNorm(3), nn.Softmax(1)
    )
    assert set(chain_rule(trunk).values()) == {ReceptiveField(3, 1, 1.0)}


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (nn.Flatten(), "the chain rule does not cover layer 0, a Flatten"),
        (nn.Conv2d(1, 1, (3, 5)), "layer 0 is not square: 3 vertically, 5 horizontally"),
        (nn.MaxPool2d(3, (1, 2)), "layer 0 is not square: 1 vertically, 2 horizontally"),
        (
            PaddedConv2d(1, 1, (3, 3), pads=(1, 0, 0, 0)),
            "layer 0 is not square: 1 vertically, 0 h",
        ),
        (nn.Conv2d(1, 1, 3, padding="same"), "layer 0 has padding 'same'"),
    ],
)
def test_what_the_chain_rule_does_not_cover_is_an_error(layer: nn.Module, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        chain_rule(nn.Sequential(layer))


VGG = nn.Sequential(
    nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(),
    nn.MaxPool2d(2, 2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2),
    nn.Conv2d(16, 16, 5, padding=2), nn.ReLU(),
)  # fmt: skip


@pytest.mark.parametrize("upto", range(1, len(VGG) + 1))
def test_what_gradients_measure_agrees_with_the_chain_rule(upto: int) -> None:
    layers = nn.Sequential(*list(VGG)[:upto])
    *_, expected = chain_rule(layers).values()
    assert measure(layers, (64, 64)) == expected


def test_a_residual_network_is_measured_also_where_its_field_exceeds_the_image() -> None:
    model = resnet().eval()
    one = measure(Layer(model, "body.0", COLOR), (32, 32))
    assert one == ReceptiveField(3 + 4 * 2, 2, 0.0)
    last = measure(Layer(model, "body.2", COLOR), (16, 16))
    assert last is not None
    assert (last.size, last.stride) == (3 + 4 * 2 + 2 * 2 + 3 * 2 * 4, 4)


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1)),
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten()),
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.InstanceNorm2d(4)),
    ],
)
def test_what_sees_the_whole_image_has_no_field(model: nn.Module) -> None:
    assert measure(model, (16, 16)) is None


def test_a_code_that_depends_on_nothing_has_no_field() -> None:
    assert measure(lambda x: x * 0, (16, 16)) is None


@pytest.mark.parametrize("name", list(TABLES))
def test_the_stride_of_a_grid_is_that_of_the_tables(name: str) -> None:
    network = zoo.get(name)
    with torch.device("meta"):
        trunk = build(network.layers)
    fields = chain_rule(trunk)

    def code_shape(layers: nn.Sequential, height: int, width: int) -> tuple[int, ...]:
        return tuple(layers(torch.zeros(1, 3, height, width, device="meta")).shape[1:])

    for number, layer in enumerate(network.layers, start=1):
        layers = nn.Sequential(*list(trunk)[:number])
        found = grid_stride(partial(code_shape, layers), network.image_size)
        assert abs(found - fields[layer.name].stride) <= 0.06 * fields[layer.name].stride


def test_tokens_and_vectors_have_a_stride_too() -> None:
    assert grid_stride(lambda height, width: (197, 384), (224, 224)) == 16
    assert grid_stride(lambda height, width: (1000,), (224, 224)) == 32
    assert grid_stride(lambda height, width: (512, 1, 1), (224, 224)) == 32


def test_a_network_of_one_size_is_measured_at_that_size() -> None:
    def code_shape(height: int, width: int) -> tuple[int, ...]:
        if height != 32:
            raise ValueError("32 alone")
        return (3, 8, 8)

    assert grid_stride(code_shape, (32, 32)) == 4


def test_the_box_of_a_response_is_what_its_gradient_says() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 3, 5, 2, 2), nn.Tanh(), nn.Conv2d(3, 2, 4, 2, 1))
    *_, field = chain_rule(model).values()
    for position in ((3, 5), (0, 0), (8, 10)):
        x = torch.rand(1, 1, 40, 48, requires_grad=True)
        (gradient,) = torch.autograd.grad(model(x)[0, :, *position].sum(), x)
        rows, columns = (gradient[0, 0].abs().sum(axis).nonzero() for axis in (1, 0))
        seen = (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
        assert field.box(position).clipped((40, 48)) == seen


def test_a_box_of_another_side_has_the_same_center() -> None:
    field = ReceptiveField(size=11, stride=4, offset=3.0)
    assert field.box((2, 5), side=3) == (10, 22, 13, 25)
    assert field.box((2, 5)) == (6, 18, 17, 29)


def test_a_box_is_moved_into_the_image_and_cut_only_if_it_is_larger() -> None:
    assert Box(-3, 40, 8, 51).moved_into((48, 48)) == (0, 37, 11, 48)
    assert Box(-3, 5, 60, 16).moved_into((48, 48)) == (0, 5, 48, 16)
    assert Box(4, 5, 15, 16).moved_into((48, 48)) == (4, 5, 15, 16)
