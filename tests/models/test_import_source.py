"""The user's own networks by the path of their factory."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from preimage import catalog
from preimage.models.errors import ModelError
from preimage.models.import_source import load
from preimage.preprocessing import Preprocessing

IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


FACTORIES = """
import torch
from torch import nn

def bare():
    return nn.Conv2d(3, 4, 3)

def described():
    settings = dict(mean=[0, 0, 0], std=[255.0] * 3, resize=40, size=[32, 32],
                    interpolation="bicubic", classes=["a", "b"])
    return bare(), settings

class Prompted(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.gain = nn.Identity()

    def forward(self, x, prompt, scale=1.0):
        return self.gain(self.conv(x) * prompt.view(1, 4, 1, 1) * scale)

def prompted():
    inputs = dict(prompt=torch.tensor([1.0, 2.0, 3.0, 4.0]), scale=0.5)
    return Prompted(), dict(mean=[0.0] * 3, std=[255.0] * 3, size=[16, 16], inputs=inputs)

class Five(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3)
        self.fc = nn.Linear(6, 2)
        self.parts = nn.Unflatten(1, (2, 3))

    def forward(self, x):
        y = self.conv(x)
        return self.parts(y), self.fc(y.mean((2, 3)))

def five():
    return Five(), dict(size=[16, 16], classes=["a", "b"], scores="fc", channel_axis={"parts": 2})

def misspelt(): return bare(), {"men": 0}
def unit_interval(): return bare(), {"mean": (0.485,) * 3, "std": (0.229,) * 3}
def one_size(): return bare(), {"size": 32}
def failing(): raise KeyError("x")
def nothing(): return None
"""


@pytest.fixture
def factories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "user_factories.py").write_text(FACTORIES)
    (tmp_path / "user_broken.py").write_text("def f(:")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("factories")
def test_an_import_path_gives_what_the_factory_returns() -> None:
    model = load("user_factories.bare")
    assert isinstance(model.module, nn.Conv2d)
    assert (model.preprocessing.mean, model.preprocessing.std) == (IMAGENET_MEAN, IMAGENET_STD)
    assert (model.preprocessing.resize, model.preprocessing.size, model.classes) == (
        None,
        (224, 224),
        (),
    )


def test_an_import_path_may_lie_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "current_factories.py").write_text(FACTORIES)
    elsewhere = [entry for entry in sys.path if Path(entry).resolve() != tmp_path and entry]
    monkeypatch.setattr(sys, "path", list(elsewhere))
    with pytest.raises(ModelError, match="No module named 'current_factories'"):
        load("current_factories.bare")
    monkeypatch.chdir(tmp_path)
    assert isinstance(load("current_factories.bare").module, nn.Conv2d)
    assert sys.path == elsewhere


@pytest.mark.usefixtures("factories")
def test_a_factory_may_describe_its_input() -> None:
    model = load("user_factories.described")
    assert model.preprocessing == Preprocessing((0, 0, 0), (255.0,) * 3, (32, 32), 40, "bicubic")
    assert model.classes == ("a", "b")


@pytest.mark.usefixtures("factories")
def test_weights_are_put_into_what_a_factory_returns(tmp_path: Path) -> None:
    torch.save(nn.Conv2d(3, 4, 3).state_dict(), tmp_path / "w.pth")
    state = torch.load(tmp_path / "w.pth")
    network = load("user_factories.bare", tmp_path / "w.pth").module
    assert torch.equal(network.state_dict()["weight"], state["weight"])


@pytest.mark.usefixtures("factories")
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("user_factories.misspelt", "did you mean 'mean'?"),
        ("user_factories.unit_interval", "look like those of images in 0..1"),
        ("user_factories.one_size", "'int' object is not iterable"),
        ("user_factories.failing", "the factory failed: KeyError: 'x'"),
        ("user_factories.nothing", "must return a torch.nn.Module"),
        ("user_factories.bar", "did you mean 'bare'?"),
        ("user_absent.f", "No module named 'user_absent'"),
        ("user_broken.f", "SyntaxError"),
    ],
)
def test_a_factory_that_cannot_be_used_is_one_clear_line(path: str, reason: str) -> None:
    with pytest.raises(ModelError) as caught:
        load(path)
    assert reason in str(caught.value)


@pytest.mark.usefixtures("factories")
def test_a_factory_may_give_further_inputs_of_the_network() -> None:
    network = catalog.network("import:user_factories.prompted")
    layer = network.layer("gain")
    x = torch.linspace(0, 255, 3 * 16 * 16).view(1, 3, 16, 16)
    prompt = torch.tensor([1.0, 2.0, 3.0, 4.0])
    assert torch.equal(layer(x), network.module(x / 255, prompt, 0.5))
    assert layer.code_shape(16, 16) == (4, 14, 14)


def test_a_factory_that_ends_the_process_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = "import sys\nif {}: sys.exit()\ndef make(): sys.exit(3)\n"
    (tmp_path / "leaving.py").write_text(text.format(False))
    (tmp_path / "leaving_early.py").write_text(text.format(True))
    with pytest.raises(ModelError, match=r"^import:leaving.make: the factory failed: SystemExit"):
        load("leaving.make")
    with pytest.raises(ModelError, match=r"leaving_early cannot be imported: SystemExit"):
        load("leaving_early.make")


@pytest.mark.usefixtures("factories")
def test_a_factory_says_which_layer_has_the_scores_and_which_axis_the_channels() -> None:
    network = catalog.network("import:user_factories.five")
    assert network.score_layer == "fc"
    x = torch.randn(2, 3, 16, 16)
    own = network.module(network.preprocessing.to_network(x))[0]
    code = network.layer("parts")(x)
    torch.testing.assert_close(code, own.permute(0, 1, 3, 4, 2).flatten(1, 3))
    assert network.layer("conv").code_grid(16, 16).channels == 6
    several = network.several(["parts", "conv"])
    assert several.code_grids(16, 16)["parts"].channels == 3
