"""torchvision's networks: preprocessing, weights, and those that differ from the others."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.models.sources import scores

from preimage.models.torchvision_source import fetch, load

IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


@pytest.fixture
def torchvision() -> Any:
    return pytest.importorskip("torchvision")


def test_a_torchvision_network_comes_with_its_own_preprocessing(torchvision: Any) -> None:
    model = load("resnet18", "random")
    assert model.preprocessing.mean == pytest.approx(IMAGENET_MEAN)
    assert model.preprocessing.std == pytest.approx(IMAGENET_STD)
    assert (
        model.preprocessing.resize,
        model.preprocessing.size,
        model.preprocessing.interpolation,
    ) == (256, (224, 224), "bilinear")
    assert model.classes[31] == "tree frog"
    assert scores(model).shape == (1, 1000)


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_networks_ported_from_tensorflow_undo_the_normalization(
    torchvision: Any, name: str
) -> None:
    network: Any = load(f"{name}", "random").module
    assert network.transform_input is True


def test_fetched_torchvision_weights_are_loaded(
    torchvision: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = torchvision.models.resnet18().eval()
    torch.save(trained.state_dict(), tmp_path / "w.pth")
    checksum = hashlib.sha256((tmp_path / "w.pth").read_bytes()).hexdigest()[:8]
    served = (tmp_path / "w.pth").rename(tmp_path / f"resnet18-{checksum}.pth")
    default = torchvision.models.ResNet18_Weights.DEFAULT
    monkeypatch.setattr(default.value, "url", served.as_uri())
    cached = fetch("resnet18")
    served.unlink()
    assert fetch("resnet18") == cached
    network: Any = load("resnet18").module
    assert torch.equal(network.fc.weight, trained.fc.weight)


def test_old_names_in_densenets_files_are_understood(torchvision: Any, tmp_path: Path) -> None:
    state = torchvision.models.densenet121().state_dict()
    old = {
        key.replace("norm1.", "norm.1.").replace("conv2.", "conv.2.")
        if "denselayer" in key
        else key: value
        for key, value in state.items()
    }
    assert old.keys() != state.keys()
    torch.save(old, tmp_path / "w.pth")
    network: Any = load("densenet121", tmp_path / "w.pth").module
    assert torch.equal(network.classifier.weight, state["classifier.weight"])
