"""MatConvNet files of every generation and format: networks, metadata and errors."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.models import simplenn_reference as reference
from tests.models.simplenn_checks import (
    FORMATS,
    GENERATIONS,
    SMALL,
    Save,
    a_conv,
    assert_close,
    bare,
    conv,
    filters,
    image,
    message,
    outputs,
)
from tests.models.simplenn_files import (
    CLASSES,
    MEAN,
    Generation,
    Weights,
    narrow,
    random_weights,
    row,
    save_v5,
    simplenn,
)
from torch import nn

from preimage.models import matconvnet, zoo
from preimage.models.architecture import (
    Dropout,
    LayerSpec,
)
from preimage.models.errors import ModelError
from preimage.models.layers import PaddedConv2d, PaddedMaxPool2d


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


def test_a_loaded_network_is_frozen_and_in_evaluation_mode(tmp_path: Path) -> None:
    tree = simplenn(SMALL, random_weights(SMALL), "beta17")
    network = matconvnet.read(save_v5(tmp_path / "net.mat", tree)).module
    assert not any(weights.requires_grad for weights in network.parameters())
    assert not any(module.training for module in network.modules())
    assert isinstance(network, nn.Sequential)
    assert isinstance(network.conv1, PaddedConv2d)
    assert isinstance(network.pool2, PaddedMaxPool2d)


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


@FORMATS
def test_a_file_of_other_variables_holds_no_network(save: Save, tmp_path: Path) -> None:
    path = save(tmp_path / "data.mat", {"features": row(1, 2, 3)})
    assert message(path) == "holds no network of MatConvNet (an array `layers` of structs)"


@FORMATS
@pytest.mark.parametrize("layers", [[], ["conv1", "conv2"], "conv1", np.ones((2, 2))])
def test_layers_that_are_no_structs_are_no_network(layers: Any, save: Save, tmp_path: Path) -> None:
    path = save(tmp_path / "data.mat", {"layers": layers})
    assert message(path) == "holds no network of MatConvNet (an array `layers` of structs)"


def test_an_object_of_matlab_says_how_to_save_it() -> None:
    with pytest.raises(ModelError, match=r"holds a MATLAB object: save the struct net\.saveobj"):
        matconvnet._read({"net": None})


def test_a_mean_image_of_other_channels_is_an_error(tmp_path: Path) -> None:
    tree = {"layers": [a_conv()], "normalization": {"averageImage": np.ones((8, 9, 4))}}
    expected = "the mean image has the shape (8, 9, 4), which does not fit an image of 3 channels"
    assert message(save_v5(tmp_path / "net.mat", tree)) == expected


@pytest.mark.parametrize(
    ("normalization", "expected"),
    [
        ({"averageImage": row(1, np.nan, 3)}, "the mean image holds values that are not finite"),
        ({"imageSize": row(np.nan, 224, 3)}, "the image size cannot be nan x 224.0"),
    ],
)
def test_metadata_that_makes_no_sense_is_an_error(
    normalization: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    tree = {"layers": [a_conv()], "meta": {"normalization": normalization}}
    assert message(save_v5(tmp_path / "net.mat", tree)) == expected


def test_a_named_network_s_own_file_passes_with_or_without_dropout(tmp_path: Path) -> None:
    network = zoo.get("vgg-m")
    layers = list(network.layers)
    layers.insert(-3, Dropout("drop7"))
    model = shell(layers, tmp_path)
    matconvnet.check_layers(model.layers, network.layers, network.name)


@pytest.mark.parametrize(
    ("name", "other", "difference"),
    [
        ("alexnet", "caffenet", "where alexnet has lrn norm1, it has pool pool1 (3 x 3, stride 2"),
        ("vgg-m", "vgg-f", "has conv conv1 (7 x 7, stride 2 x 2) to 96 channels in 1 group(s), it"),
        ("vgg-vd-19", "vgg-vd-16", "where vgg-vd-19 has conv conv3_4 (3 x 3"),
    ],
)
def test_a_weight_file_of_another_network_is_an_error_that_says_where(
    name: str, other: str, difference: str, tmp_path: Path
) -> None:
    model = shell(list(zoo.get(other).layers), tmp_path)
    with pytest.raises(ModelError, match="a weight file of another network") as caught:
        matconvnet.check_layers(model.layers, zoo.get(name).layers, name)
    assert difference in str(caught.value)


@pytest.mark.parametrize(("cut", "wanted"), [(slice(-1), "softmax prob, it has nothing")])
def test_a_file_that_lacks_the_last_layer_is_an_error(
    cut: slice, wanted: str, tmp_path: Path
) -> None:
    model = shell(list(zoo.get("vgg-m").layers)[cut], tmp_path)
    with pytest.raises(ModelError, match=wanted):
        matconvnet.check_layers(model.layers, zoo.get("vgg-m").layers, "vgg-m")


def shell(layers: list[Any], tmp_path: Path) -> matconvnet.NetworkFile:
    """A model with these layers as plain data, and nothing behind them."""
    path = save_v5(tmp_path / "net.mat", {"layers": [a_conv()]})
    model = matconvnet.read(path)
    return matconvnet.NetworkFile(model.module, tuple(layers), 3, None, None, ())
