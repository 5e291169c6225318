"""Weight files of the zoo: fetched, installed and loaded."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.models.file_server import serving
from tests.models.simplenn_files import (
    CLASSES,
    MEAN,
    Weights,
    narrow,
    random_weights,
    save_v5,
    simplenn,
)

from preimage.models import zoo, zoo_files
from preimage.models.architecture import Convolution, LayerSpec
from preimage.models.errors import ModelError
from preimage.preprocessing import Preprocessing


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def layers() -> list[LayerSpec]:
    return narrow(zoo.get("vgg-m").layers, 32)


@pytest.fixture
def file(layers: list[LayerSpec], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A weight file of a narrowed VGG-M, whose checksum and layers `vgg-m` now has."""
    path = save_v5(tmp_path / "mine.mat", simplenn(layers, random_weights(layers), "beta17"))
    changed = dataclasses.replace(
        zoo.get("vgg-m"),
        md5=hashlib.md5(path.read_bytes()).hexdigest(),
        layers=tuple(layers),
    )
    monkeypatch.setitem(zoo.NETWORKS, "vgg-m", changed)
    return path


def contents(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_missing_weight_file_is_an_error_that_names_the_command(cache: Path) -> None:
    with pytest.raises(ModelError, match=r"vgg-m \(383 MB\).*: preimage fetch vgg-m, or"):
        zoo_files.load("vgg-m")
    assert not zoo_files.is_installed("vgg-m")
    assert not cache.exists()


def test_an_unknown_network_is_an_error() -> None:
    with pytest.raises(ModelError, match="did you mean 'vgg-m'"):
        zoo_files.fetch("vgg_m")


def test_fetch_downloads_a_file_that_loads(file: Path, cache: Path) -> None:
    seen: list[tuple[int, int]] = []
    with serving(file.read_bytes()) as server:
        path = zoo_files.fetch("vgg-m", lambda *done: seen.append(done), server.address)
    assert path == zoo_files.path_of("vgg-m") == cache / "imagenet-vgg-m.mat"
    assert path.read_bytes() == file.read_bytes()
    assert seen[-1] == (path.stat().st_size, path.stat().st_size)
    assert contents(cache) == ["imagenet-vgg-m.mat"]
    assert zoo_files.is_installed("vgg-m")
    names = [name for name, _ in zoo_files.load("vgg-m").module.named_children()]
    assert names == [layer.name for layer in zoo.get("vgg-m").layers]


def test_a_file_that_is_there_is_not_downloaded_again(file: Path) -> None:
    with serving(file.read_bytes()) as server:
        for _ in range(2):
            zoo_files.fetch("vgg-m", address=server.address)
        assert len(server.asked) == 1


def test_install_copies_a_file_that_the_user_has(file: Path, cache: Path) -> None:
    assert zoo_files.install("vgg-m", file) == zoo_files.path_of("vgg-m")
    assert zoo_files.path_of("vgg-m").read_bytes() == file.read_bytes()
    assert contents(cache) == ["imagenet-vgg-m.mat"]
    zoo_files.load("vgg-m")


def test_install_refuses_a_file_of_another_checksum(file: Path, cache: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(
        ModelError, match=r"its checksum is \w+, but that of the imagenet-vgg-m.mat of"
    ):
        zoo_files.install("vgg-m", file)
    assert contents(cache) == []


def test_install_says_that_a_file_is_missing(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(ModelError, match=r"none.mat: No such file or directory"):
        zoo_files.install("vgg-m", tmp_path / "none.mat")
    assert contents(cache) == []


def test_a_cache_that_cannot_be_written_is_an_error(file: Path, cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    with pytest.raises(ModelError, match=r"mine\.mat"):
        zoo_files.install("vgg-m", file)


def test_loading_the_file_of_another_network_is_an_error(file: Path, cache: Path) -> None:
    cache.mkdir()
    (cache / "imagenet-vgg-f.mat").write_bytes(file.read_bytes())
    with pytest.raises(ModelError, match=r"imagenet-vgg-f.mat: a weight file of another network"):
        zoo_files.load("vgg-f")


def test_random_weights_need_no_file_and_are_the_same_each_time(cache: Path) -> None:
    first, second = (zoo_files.load("vgg-m", "random") for _ in range(2))
    assert torch.equal(
        first.module.get_parameter("conv1.weight"), second.module.get_parameter("conv1.weight")
    )
    assert first.preprocessing == Preprocessing((123.68, 116.779, 103.939), size=(224, 224))
    assert first.loss_weights == zoo.get("vgg-m").loss_weights
    assert not cache.exists()


def test_a_file_of_the_same_layers_is_loaded_in_place_of_the_networks_own(file: Path) -> None:
    loaded = zoo_files.load("vgg-m", file)
    assert loaded.preprocessing.mean == pytest.approx(MEAN, abs=1e-3)
    assert loaded.classes == tuple(CLASSES)
    with pytest.raises(ModelError, match=r"mine\.mat: a weight file of another network"):
        zoo_files.load("vgg-f", file)


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """Removed at once: pytest would keep hundreds of megabytes."""
    yield tmp_path / "net.mat"
    (tmp_path / "net.mat").unlink()


def cheap_weights(layers: tuple[LayerSpec, ...]) -> Weights:
    """Filters cut from one small block of noise, which is quicker than drawing them all."""
    noise = np.random.default_rng(0).standard_normal(1 << 16, np.float32)
    channels, weights = 3, {}
    for layer in layers:
        if isinstance(layer, Convolution):
            shape = (*layer.kernel, channels // layer.groups, layer.channels)
            filters = np.resize(noise, np.prod(shape)) * np.float32(np.prod(shape[:3]) ** -0.5)
            weights[layer.name] = (filters.reshape(shape), noise[: layer.channels])
            channels = layer.channels
    return weights


@pytest.mark.parametrize(("name", "count"), [("alexnet", 60_965_224), ("vgg-vd-16", 138_357_544)])
def test_the_full_network_loads_and_runs(name: str, count: int, path: Path) -> None:
    network = zoo.get(name)
    weights = cheap_weights(network.layers)
    save_v5(path, simplenn(network.layers, weights, "beta17", network.image_size))
    model = zoo_files.load(name, path)
    assert sum(parameter.numel() for parameter in model.module.parameters()) == count
    with torch.no_grad():
        scores = model.module(torch.randn(1, 3, *network.image_size) * 50)
    assert scores.shape == (1, 1000, 1, 1)
    assert scores.sum().item() == pytest.approx(1, abs=1e-4)
    assert model.module.state_dict()["fc7.bias"].tolist() == weights["fc7"][1].tolist()
