"""DagNN files against NumPy: ResNets, GoogLeNet, and all supported layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.models import simplenn_reference as reference
from tests.models.simplenn_checks import FORMATS, Save, assert_close, filters, image, message
from tests.models.simplenn_files import Structs, dagnn, row, save_v5
from torch import nn

import preimage
from preimage import catalog
from preimage.models import matconvnet
from preimage.models.matconvnet import NetworkFile


def conv(name: str, source: str, size: tuple[int, int, int, int], **block: Any) -> tuple[Any, ...]:
    scale = np.float32(np.sqrt(2 / np.prod(size[:3])))
    fields = {"size": row(*size), "hasBias": row(1), "stride": row(1, 1), "pad": row(0)} | block
    values = [filters(*size) * scale, filters(size[3], 1)]
    return name, "Conv", [source], f"{name}x", fields, values


def batch_norm(name: str, source: str, channels: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(channels)
    moments = rng.uniform(0.5, 2, (channels, 2)).astype(np.float32)
    values = [rng.uniform(0.5, 2, (channels, 1)), rng.standard_normal((channels, 1)), moments]
    return name, "BatchNorm", [source], f"{name}x", {"numChannels": row(channels)}, values


def plain(name: str, kind: str, *sources: str, **block: Any) -> tuple[Any, ...]:
    return name, kind, list(sources), f"{name}x", block, []


def pooling(name: str, source: str, method: str, size: int, **block: Any) -> tuple[Any, ...]:
    fields = {"poolSize": row(size, size), "method": method, "stride": row(1), "pad": row(0)}
    return plain(name, "Pooling", source, **(fields | block))


RESNET = [
    conv("conv1", "data", (7, 7, 3, 8), stride=row(2), pad=row(3)),
    batch_norm("bn_conv1", "conv1x", 8),
    plain("conv1_relu", "ReLU", "bn_conv1x", leak=row(0), opts=[]),
    pooling("pool1", "conv1_relux", "max", 3, stride=row(2), pad=row(0, 1, 0, 1)),
    conv("res2a_branch1", "pool1x", (1, 1, 8, 16)),
    batch_norm("bn2a_branch1", "res2a_branch1x", 16),
    conv("res2a_branch2a", "pool1x", (3, 3, 8, 16), pad=row(1, 1, 1, 1)),
    batch_norm("bn2a_branch2a", "res2a_branch2ax", 16),
    plain("res2a", "Sum", "bn2a_branch1x", "bn2a_branch2ax"),
    plain("res2a_relu", "ReLU", "res2ax"),
    pooling("pool5", "res2a_relux", "avg", 5),
    conv("fc1000", "pool5x", (4, 4, 16, 10)),
    plain("prob", "SoftMax", "fc1000x"),
    plain("loss", "Loss", "probx", "label", loss="softmaxlog"),
    plain("top5error", "Loss", "probx", "label", loss="topkerror"),
]

GOOGLENET = [
    conv("conv1", "data", (3, 3, 3, 8), stride=row(2)),
    plain("norm1", "LRN", "conv1x", param=row(5, 1, 0.1, 0.75)),
    conv("a", "norm1x", (1, 1, 8, 4)),
    conv("b", "norm1x", (3, 3, 8, 6), pad=row(1)),
    pooling("p", "norm1x", "max", 3, pad=row(1)),
    plain("depth", "Concat", "ax", "bx", "px", dim=row(3)),
    plain("drop", "DropOut", "depthx", rate=row(0.4)),
    conv("grouped", "dropx", (3, 3, 9, 4)),
    plain("out", "Sigmoid", "groupedx"),
]

SEGMENTER = [
    conv("conv1", "input", (3, 3, 3, 6), stride=row(2), pad=row(1)),
    plain("leaky", "ReLU", "conv1x", leak=row(0.1)),
    (
        "up",
        "ConvTranspose",
        ["leakyx"],
        "upx",
        {"upsample": row(2, 3), "crop": row(0, 1, 1, 0), "numGroups": row(2), "hasBias": row(1)},
        [filters(4, 3, 2, 6), filters(4, 1)],
    ),
    (*conv("skip", "input", (3, 3, 3, 4), hasBias=row(0))[:5], [filters(3, 3, 3, 4)]),
    plain("cut", "Crop", "upx", "skipx", crop=row(2, 1)),
    ("gain", "Scale", ["cutx"], "gainx", {"hasBias": row(1)}, [filters(1, 1, 4), filters(1, 1, 4)]),
    ("gate", "Scale", ["skipx", "gainx"], "gatex", {"hasBias": row(0)}, []),
    plain("tall", "Concat", "gatex", "gainx", dim=row(1)),
]

NETWORKS = {"resnet": RESNET, "googlenet": GOOGLENET, "segmenter": SEGMENTER}


def outputs(model: NetworkFile, pixels: np.ndarray) -> dict[str, np.ndarray]:
    """The output (H', W', C) of every layer of a network."""
    found: dict[str, np.ndarray] = {}
    for name, layer in model.module.named_children():

        def note(_: Any, __: Any, y: torch.Tensor, name: str = name) -> None:
            found[name] = y[0].permute(1, 2, 0).double().numpy()

        layer.register_forward_hook(note)
    model.module(torch.from_numpy(pixels.transpose(2, 0, 1)[None].astype(np.float32)))
    return found


@pytest.mark.parametrize("name", NETWORKS)
@FORMATS
def test_every_layer_of_a_graph_equals_numpy(name: str, save: Save, tmp_path: Path) -> None:
    tree = dagnn(NETWORKS[name])
    model = matconvnet.read(save(tmp_path / "net.mat", tree))
    source = tree["layers"][0]["inputs"][0]
    assert_close(outputs(model, image(35, 37)), reference.run_graph(tree, image(35, 37), source))
    assert [layer.name for layer in model.layers] == list(dict(model.module.named_children()))


@FORMATS
def test_layers_run_after_those_that_they_need(save: Save, tmp_path: Path) -> None:
    tree = dagnn(list(reversed(RESNET)))
    model = matconvnet.read(save(tmp_path / "net.mat", tree))
    expected = reference.run_graph(tree, image(35, 37), "data")
    found = outputs(model, image(35, 37))
    assert_close({name: found[name] for name in expected}, expected)
    prob = model.module(torch.zeros(1, 3, 35, 37))
    assert prob.sum(1).flatten().tolist() == pytest.approx([1.0] * prob[0, 0].numel())


@FORMATS
def test_meta_is_read_as_that_of_the_zoo_s_graphs(save: Save, tmp_path: Path) -> None:
    meta = {
        "inputs": {"name": "data", "size": row(224, 220, 3, 10)},
        "classes": {"name": ["n1", "n2"], "description": ["tench", "goldfish"]},
        "normalization": {"averageImage": np.array([[123.0, 117.0, 104.0]])},
    }
    tree = dagnn(RESNET, **meta)
    model = matconvnet.load(save(tmp_path / "net.mat", tree))
    assert model.preprocessing.mean == (123, 117, 104)
    assert model.preprocessing.size == (224, 220)
    assert model.classes == ("tench", "goldfish")
    again = matconvnet.read(save(tmp_path / "wrapped.mat", {"net": tree}))
    assert again.classes == ("tench", "goldfish")


def test_a_graph_that_is_a_chain_becomes_a_chain(tmp_path: Path) -> None:
    chain = [*RESNET[:3], plain("prob", "SoftMax", "conv1_relux")]
    model = matconvnet.read(save_v5(tmp_path / "net.mat", dagnn(chain)))
    assert isinstance(model.module, nn.Sequential)
    assert list(dict(model.module.named_children())) == ["conv1", "bn_conv1", "conv1_relu", "prob"]


def test_a_layer_of_a_graph_is_inverted(tmp_path: Path) -> None:
    path = save_v5(tmp_path / "net.mat", dagnn(RESNET, normalization={"averageImage": row(120)}))
    layer = catalog.representation(f"matconvnet:{path}/res2a_relu")
    assert layer.code_shape(32, 32) == (16, 8, 8)
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    result = preimage.invert(layer, pixels, size=32, quality="draft")
    assert result.error is not None
    assert float(result.error[0]) < 0.5


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([plain("a", "Sum", "data", "label")], "further inputs beside the image data: label"),
        ([plain("a", "ReLU", "bx"), plain("b", "ReLU", "ax")], "a cycle of layers"),
        ([plain("a", "ReLU", "data"), plain("a", "ReLU", "data")], "two layers make the same map"),
        ([plain("a", "Loss", "x", "label")], "holds a DagNN without layers"),
        (
            [plain("a", "ROIPooling", "x")],
            "layer a is of the type 'dagnn.ROIPooling', which is not",
        ),
        ([plain("a", "Conv", "x")], "layer a holds no filters"),
        ([plain("a", "Concat", "x", "x", dim=row(4))], "layer a joins images"),
        ([plain("a", "Scale", "x", hasBias=row(1))], "layer a has 0 inputs and 0 parameters to sc"),
        ([plain("a", "Crop", "x", "x", crop=row(-1, 0))], "layer a: crop cannot be"),
        ([plain("a", "ReLU")], "layer a has 0 inputs and 1 outputs"),
        (
            [("a", "ConvTranspose", ["x"], "y", {"numGroups": row(3)}, [filters(2, 2, 3, 4)])],
            "filters of the shape (2, 2, 3, 4) in 3 group(s) and 0 biases",
        ),
        (
            [conv("c", "x", (1, 1, 3, 4)), batch_norm("b", "cx", 3)],
            "layer b holds 3 multipliers, 3 biases and 6 moments, which do not fit an input of 4",
        ),
        (
            [("b", "BatchNorm", ["x"], "y", {}, [np.ones(3), np.ones(3), np.zeros((3, 2))])],
            "layer b holds deviations that are not positive",
        ),
    ],
)
def test_a_graph_that_cannot_be_read_is_one_clear_line(
    layers: list[tuple[Any, ...]], expected: str, tmp_path: Path
) -> None:
    assert expected in message(save_v5(tmp_path / "net.mat", dagnn(layers)))


def test_a_parameter_that_the_file_lacks_is_named(tmp_path: Path) -> None:
    tree = dagnn(RESNET)
    tree["params"] = Structs(tree["params"][1:])
    found = message(save_v5(tmp_path / "net.mat", tree))
    assert found == "layer conv1 needs the parameter 'conv1_0', which the file lacks"
