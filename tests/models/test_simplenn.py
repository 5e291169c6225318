"""The layers of SimpleNN files, against NumPy."""

from __future__ import annotations

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
    Generation,
    random_weights,
    row,
    save_v5,
    simplenn,
)

from preimage.models import matconvnet
from preimage.models.architecture import (
    Convolution,
    Dropout,
    Normalization,
    Pooling,
    Rectifier,
    Softmax,
)


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


@FORMATS
def test_an_unsupported_layer_is_named_with_its_type(save: Save, tmp_path: Path) -> None:
    path = save(tmp_path / "net.mat", {"layers": [a_conv(), {"type": "spnorm", "name": "bn1"}]})
    assert message(path).startswith(
        "layer bn1 is of the type 'spnorm', which is not supported (conv"
    )


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([{"name": "a"}], "layer a is of the type ''"),
        ([a_conv(weights=[])], "layer conv1 holds no filters"),
        ([a_conv(weights=row())], "layer conv1 holds no filters"),
        ([{"type": "conv", "name": "c"}], "layer c holds no filters"),
        (
            [a_conv(weights=[np.ones((3, 3, 3, 4)), np.ones(5)])],
            "conv1 has filters of the shape",
        ),
        (
            [a_conv(), a_conv(name="conv2")],
            "4 filters of 3 channels, which do not fit an input of 4",
        ),
        ([a_conv(stride=row(1, 2, 3))], "layer conv1: stride must be 2 number"),
        ([a_conv(stride="two")], "layer conv1: stride must be 2 number"),
        ([a_conv(stride=row(0))], "layer conv1: stride cannot be"),
        ([a_conv(stride=row(np.nan))], "layer conv1: stride must be 1 number"),
        (
            [a_conv(weights=[np.full((3, 3, 3, 4), 1e300)])],
            "conv1 holds weights that are not finite",
        ),
        (
            [a_conv(weights=[np.full((3, 3, 3, 4), np.nan)])],
            "conv1 holds weights that are not fini",
        ),
        ([a_conv(pad=row(1, 2))], "layer conv1: pad must be 4 number"),
        ([a_conv(pad=row(-1))], "layer conv1: pad cannot be"),
        ([a_conv(dilate=row(1.5))], "layer conv1: dilate cannot be"),
        ([{"type": "pool", "name": "p"}], "layer p holds no window size"),
        ([{"type": "pool", "name": "p", "pool": row(2), "method": "sum"}], "p pools by 'sum'"),
        ([{"type": "lrn", "name": "n", "param": row(5, 1)}], "layer n: param must be 4 number"),
        ([{"type": "lrn", "name": "n", "param": row(0, 1, 1, 1)}], "layer n: the window of"),
        ([{"type": "relu", "name": "r", "leak": row(1, 2)}], "layer r: leak must be 1 number"),
    ],
)
def test_a_layer_that_makes_no_sense_is_named(
    layers: list[dict[str, Any]], expected: str, tmp_path: Path
) -> None:
    assert expected in message(save_v5(tmp_path / "net.mat", {"layers": layers}))


def bnorm(name: str, channels: int) -> dict[str, Any]:
    rng = np.random.default_rng(channels)
    moments = rng.uniform(0.5, 2, (channels, 2))
    weights = [rng.uniform(0.5, 2, (channels, 1)), rng.standard_normal((channels, 1)), moments]
    return {"type": "bnorm", "name": name, "weights": weights}


def mnist() -> dict[str, Any]:
    """The layers and metadata of MatConvNet's example of handwritten digits, smaller."""
    tree = bare(
        conv("c1", filters(5, 5, 1, 6), filters(1, 6), stride=row(1), pad=row(0)),
        bnorm("b1", 6),
        {"type": "pool", "name": "p1", "method": "max", "pool": row(2, 2), "stride": row(2)},
        conv("c2", filters(5, 5, 6, 4) * np.float32(1e-3), filters(1, 4)),
        {"type": "sigmoid", "name": "s2"},
        conv("c3", filters(8, 8, 4, 10), filters(1, 10)),
        {"type": "softmaxloss", "name": "loss"},
    )
    meta = {"inputSize": row(28, 28, 1), "classes": {"name": [str(n) for n in range(1, 11)]}}
    return tree | {"meta": meta}


@FORMATS
def test_the_example_of_handwritten_digits_equals_numpy(save: Save, tmp_path: Path) -> None:
    path = save(tmp_path / "net.mat", mnist())
    model = matconvnet.read(path)
    pixels = image(28, 28, 1)
    assert_close(outputs(model, pixels), reference.run(mnist()["layers"], pixels))
    with pytest.warns(UserWarning, match=r"net\.mat: holds no mean image: 127\.5 is taken"):
        loaded = matconvnet.load(path)
    assert (loaded.preprocessing.mean, loaded.preprocessing.size) == ((127.5,), (28, 28))
    assert loaded.classes == (*"123456789", "10")


@FORMATS
def test_a_transposed_convolution_equals_numpy(save: Save, tmp_path: Path) -> None:
    up = {"upsample": row(2), "crop": row(1), "numGroups": row(2)}
    layers = [
        conv("c", filters(3, 3, 3, 4), filters(4, 1)),
        {"type": "convt", "name": "t", "weights": [filters(4, 3, 3, 4), filters(6, 1)], **up},
        {"type": "convt", "name": "u", "weights": [filters(2, 2, 5, 6), np.zeros((0, 0))]},
    ]
    model = matconvnet.read(save(tmp_path / "net.mat", bare(*layers)))
    whole = [*layers[:2], {**layers[2], "weights": [filters(2, 2, 5, 6), np.zeros(5)]}]
    assert_close(outputs(model, image(9, 8)), reference.run(whole, image(9, 8)))


@pytest.mark.parametrize("kind", ["loss", "pdist", "error"])
def test_losses_at_the_end_are_left_out(kind: str, tmp_path: Path) -> None:
    layers = bare(a_conv(), {"type": "softmax", "name": "prob"}, {"type": kind, "name": "end"})
    model = matconvnet.read(save_v5(tmp_path / "net.mat", layers))
    assert [layer.name for layer in model.layers] == ["conv1", "prob"]
    path = save_v5(tmp_path / "mid.mat", bare({"type": kind, "name": "mid"}, a_conv()))
    assert message(path).startswith(f"layer mid is of the type '{kind}', which is not supported")


def test_a_color_network_without_a_mean_image_gets_imagenets_and_says_so(tmp_path: Path) -> None:
    path = save_v5(tmp_path / "net.mat", bare(a_conv()))
    with pytest.warns(UserWarning, match=r"no mean image: 123\.68, 116\.779, 103\.939 is taken"):
        assert matconvnet.load(path).preprocessing.mean == (123.68, 116.779, 103.939)
