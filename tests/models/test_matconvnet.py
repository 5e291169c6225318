"""SimpleNN files of every generation and format, loaded and run against NumPy."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.models import simplenn_reference as reference
from tests.models.simplenn_files import (
    CLASSES,
    MEAN,
    Generation,
    Weights,
    narrow,
    random_weights,
    row,
    save_v5,
    save_v73,
    simplenn,
)
from torch import nn

from preimage.models import matconvnet, zoo
from preimage.models.architecture import (
    Convolution,
    Dropout,
    LayerSpec,
    Normalization,
    Pooling,
    Rectifier,
    Softmax,
)
from preimage.models.layers import PaddedConv2d, PaddedMaxPool2d
from preimage.models.matconvnet import SimpleNN

Save = Callable[[Path, dict[str, Any]], Path]
FORMATS = pytest.mark.parametrize("save", [save_v5, save_v73], ids=["v5", "v73"])
GENERATIONS = pytest.mark.parametrize("generation", ["beta11", "beta16", "beta17"])


def image(height: int, width: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(5).uniform(-120, 130, (height, width, channels))


def outputs(model: SimpleNN, pixels: np.ndarray) -> dict[str, np.ndarray]:
    """The output (H', W', C) of every layer."""
    x = torch.from_numpy(pixels.transpose(2, 0, 1)[None].astype(np.float32))
    found = {}
    for name, layer in model.module.named_children():
        x = layer(x)
        found[name] = x[0].permute(1, 2, 0).double().numpy()
    return found


def assert_close(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert list(found) == list(expected)
    for name, values in expected.items():
        assert found[name].shape == values.shape, name
        error = np.abs(found[name] - values).max() / np.abs(values).max()
        assert error < 1e-4, (name, error)


@cache
def narrowed(name: str) -> tuple[list[LayerSpec], Weights, dict[str, np.ndarray]]:
    """A named network with a sixteenth of its channels, and its outputs for `image`."""
    network = zoo.get(name)
    layers = narrow(network.layers, 16)
    weights = random_weights(layers)
    structs = simplenn(layers, weights, "beta17")["layers"]
    return layers, weights, reference.run(structs, image(*network.image_size))


@pytest.mark.parametrize("name", ["alexnet", "caffenet", "vgg-m", "vgg-vd-16"])
@GENERATIONS
@FORMATS
def test_every_layer_of_the_paper_s_networks_equals_numpy(
    name: str, generation: Generation, save: Save, tmp_path: Path
) -> None:
    layers, weights, expected = narrowed(name)
    size = zoo.get(name).image_size
    path = save(tmp_path / "net.mat", simplenn(layers, weights, generation, size))
    model = matconvnet.read(path)
    assert_close(outputs(model, image(*size)), expected)
    assert model.image_size == size
    assert model.mean == pytest.approx(MEAN, abs=1e-3)
    assert model.classes == tuple(CLASSES)


SMALL: list[LayerSpec] = [
    Convolution("conv1", (3, 5), 8, (2, 1), (0, 1, 2, 0), (1, 2)),
    Rectifier("relu1", 0.1),
    Normalization("norm1", 4, 1.5, 1e-3, 0.6),
    Pooling("pool1", (3, 2), (2, 3), (1, 1, 0, 1), "avg"),
    Convolution("conv2", (3, 3), 6, padding=(1, 1, 1, 1), groups=2),
    Pooling("pool2", (3, 3), (2, 2), (1, 0, 0, 1)),
    Dropout("drop2", 0.3),
    Convolution("fc3", (1, 1), 5),
    Softmax("prob"),
]


@GENERATIONS
@FORMATS
def test_every_field_of_every_layer_is_read(
    generation: Generation, save: Save, tmp_path: Path
) -> None:
    layers = SMALL if generation == "beta17" else [Convolution("conv1", (3, 5), 8), *SMALL[1:]]
    tree = simplenn(layers, random_weights(layers), generation)
    model = matconvnet.read(save(tmp_path / "net.mat", tree))
    assert list(model.layers) == layers
    assert_close(outputs(model, image(31, 33)), reference.run(tree["layers"], image(31, 33)))


def test_a_7_3_file_without_matlab_s_class_attributes_is_read(tmp_path: Path) -> None:
    tree = simplenn(SMALL, random_weights(SMALL), "beta17")
    model = matconvnet.read(save_v73(tmp_path / "net.mat", tree, classes=False))
    assert list(model.layers) == SMALL
    assert model.classes == tuple(CLASSES)


def test_a_loaded_network_is_frozen_and_in_evaluation_mode(tmp_path: Path) -> None:
    tree = simplenn(SMALL, random_weights(SMALL), "beta17")
    network = matconvnet.read(save_v5(tmp_path / "net.mat", tree)).module
    assert not any(weights.requires_grad for weights in network.parameters())
    assert not any(module.training for module in network.modules())
    assert isinstance(network, nn.Sequential)
    assert isinstance(network.conv1, PaddedConv2d)
    assert isinstance(network.pool2, PaddedMaxPool2d)


def bare(*layers: dict[str, Any]) -> dict[str, Any]:
    return {"layers": list(layers)}


def filters(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def conv(name: str, weights: np.ndarray, biases: Any, **fields: Any) -> dict[str, Any]:
    return {"type": "conv", "name": name, "weights": [weights, biases]} | fields


@FORMATS
def test_missing_fields_take_matconvnet_s_defaults(save: Save, tmp_path: Path) -> None:
    tree = bare(
        {"type": "conv", "filters": filters(3, 3, 3, 4), "biases": filters(1, 4)},
        {"type": "relu"},
        {"type": "lrn"},
        {"type": "pool", "pool": row(3)},
        {"type": "dropout"},
        {"type": "softmaxloss", "name": "loss"},
    )
    model = matconvnet.read(save(tmp_path / "net.mat", tree))
    assert list(model.layers) == [
        Convolution("layer1", (3, 3), 4),
        Rectifier("layer2"),
        Normalization("layer3", 5, 1.0, 0.0001 / 5, 0.75),
        Pooling("layer4", (3, 3)),
        Dropout("layer5", 0.5),
        Softmax("loss"),
    ]


@FORMATS
def test_a_trunk_of_convolutions_without_meta_is_read(save: Save, tmp_path: Path) -> None:
    trunk = [x for x in narrow(zoo.get("vgg-vd-16").layers, 16) if x.kind == "conv"][:13]
    tree = simplenn(trunk, random_weights(trunk), "beta17")
    del tree["meta"]
    model = matconvnet.read(save(tmp_path / "trunk.mat", tree))
    assert_close(outputs(model, image(20, 24)), reference.run(tree["layers"], image(20, 24)))
    assert (model.mean, model.image_size, model.classes) == (None, None, ())


@FORMATS
def test_a_file_that_wraps_everything_in_a_struct_net_is_read(save: Save, tmp_path: Path) -> None:
    tree = {"net": simplenn(SMALL, random_weights(SMALL), "beta16")}
    model = matconvnet.read(save(tmp_path / "net.mat", tree))
    assert list(model.module.state_dict()) == [
        f"{name}.{kind}" for name in ("conv1", "conv2", "fc3") for kind in ("weight", "bias")
    ]
    assert model.mean == pytest.approx(MEAN, abs=1e-3)


@FORMATS
@pytest.mark.parametrize("biases", [filters(1, 4), filters(4, 1), filters(4)])
def test_biases_may_be_a_row_or_a_column(biases: np.ndarray, save: Save, tmp_path: Path) -> None:
    tree = bare(conv("c", filters(3, 3, 3, 4), biases))
    network = matconvnet.read(save(tmp_path / "net.mat", tree)).module
    assert network.state_dict()["c.bias"].tolist() == biases.ravel().tolist()


@FORMATS
def test_a_convolution_without_biases_adds_nothing(save: Save, tmp_path: Path) -> None:
    empty = np.zeros((0, 0))
    tree = bare(conv("a", filters(3, 3, 3, 4), empty), conv("b", filters(1, 1, 4, 4), empty))
    tree["layers"][1]["weights"] = [tree["layers"][1]["weights"][0]]
    network = matconvnet.read(save(tmp_path / "net.mat", tree)).module
    weights = network.state_dict()
    assert weights["a.bias"].tolist() == weights["b.bias"].tolist() == [0, 0, 0, 0]


@FORMATS
@pytest.mark.parametrize(
    ("stored", "meant", "channels"),
    [
        ((3, 3, 4), (3, 3, 4, 1), 4),
        ((3, 3), (3, 3, 1, 1), 1),
        ((4, 5), (1, 1, 4, 5), 4),
        ((3, 3, 5), (3, 3, 1, 5), 1),
        ((3, 3, 1), (3, 3, 1, 1), 1),
    ],
)
def test_filters_whose_singleton_axes_were_dropped_are_restored(
    stored: tuple[int, ...], meant: tuple[int, ...], channels: int, save: Save, tmp_path: Path
) -> None:
    weights = filters(*stored)
    tree = bare(conv("c", weights, filters(1, meant[3])))
    model = matconvnet.read(save(tmp_path / "net.mat", tree))
    whole = bare(conv("c", weights.reshape(meant), tree["layers"][0]["weights"][1]))
    pixels = image(7, 8, channels)
    assert_close(outputs(model, pixels), reference.run(whole["layers"], pixels))


@pytest.mark.parametrize(
    "average",
    [
        np.array([1.0, 2.0, 3.0]).reshape(1, 1, 3) * np.ones((7, 5, 1)),
        np.array([1.0, 2.0, 3.0]).reshape(1, 1, 3),
        np.array([[1.0, 2.0, 3.0]]),
        np.array([[1.0], [2.0], [3.0]]),
    ],
    ids=["image", "pixel", "row", "column"],
)
@FORMATS
def test_the_mean_image_becomes_the_mean_color(
    average: np.ndarray, save: Save, tmp_path: Path
) -> None:
    tree = bare(conv("c", filters(3, 3, 3, 4), filters(1, 4)))
    tree["meta"] = {"normalization": {"averageImage": average}}
    assert matconvnet.read(save(tmp_path / "net.mat", tree)).mean == pytest.approx((1, 2, 3))


def test_one_mean_value_serves_all_channels_and_none_is_none(tmp_path: Path) -> None:
    tree = bare(conv("c", filters(3, 3, 3, 4), filters(1, 4)))
    tree["normalization"] = {"averageImage": row(128)}
    assert matconvnet.read(save_v5(tmp_path / "a.mat", tree)).mean == (128, 128, 128)
    tree["normalization"] = {"averageImage": np.zeros((0, 0))}
    assert matconvnet.read(save_v5(tmp_path / "b.mat", tree)).mean is None


def test_the_mean_image_of_a_gray_network_becomes_one_value(tmp_path: Path) -> None:
    tree = bare(conv("c", filters(3, 3, 1, 4), filters(1, 4)))
    tree["normalization"] = {"averageImage": np.full((28, 28), 33.0)}
    assert matconvnet.read(save_v5(tmp_path / "a.mat", tree)).mean == (33,)


@FORMATS
def test_the_image_size_may_stand_in_the_inputs(save: Save, tmp_path: Path) -> None:
    tree = bare(conv("c", filters(3, 3, 3, 4), filters(1, 4)))
    tree["meta"] = {"inputs": {"name": "data", "size": row(227, 225, 3, 10)}}
    assert matconvnet.read(save(tmp_path / "net.mat", tree)).image_size == (227, 225)


def test_layer_names_that_torch_forbids_are_changed_and_none_is_lost(tmp_path: Path) -> None:
    names = ["a.b", "a_b", "relu", "relu", "train", ""]
    tree = bare(*({"type": "relu", "name": name} for name in names))
    model = matconvnet.read(save_v5(tmp_path / "net.mat", tree))
    assert [name for name, _ in model.module.named_children()] == [
        "a_b",
        "a_b_",
        "relu",
        "relu_",
        "train_",
        "layer6",
    ]


def test_a_struct_of_one_layer_in_a_cell_is_a_network(tmp_path: Path) -> None:
    model = matconvnet.read(save_v5(tmp_path / "net.mat", bare({"type": "relu", "name": "r"})))
    assert model.layers == (Rectifier("r"),)
