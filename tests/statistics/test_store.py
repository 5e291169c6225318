"""Statistics on disk: which are found again, and which are not."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.statistics.networks import convolution, layers, network

from preimage.files import cache_folder
from preimage.representations.layer import Layer
from preimage.statistics.channels import image_statistics
from preimage.statistics.store import Checkpoint, Store, image_set_key

STATISTICS = image_statistics(torch.tensor([1.0, 0.0, 3.0]), 0)


@pytest.fixture
def layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layer:
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path / "cache"))
    return layers(network(), "0").layers["0"]


def test_what_was_written_is_read_back(layer: Layer) -> None:
    store = Store(layer)
    key = store.register(["a.png", "b.png"])
    store.write(key, layer, Checkpoint(1, 9, {1: "no image"}, STATISTICS))
    found = Store(layer).read(key, "0")
    assert found is not None
    assert (found.done, found.top, found.skipped) == (1, 9, {1: "no image"})
    assert found.statistics is not None
    assert found.statistics.count == 1
    assert np.array_equal(found.statistics.maximum, STATISTICS.maximum)
    assert store.images(key) == ["a.png", "b.png"]


def test_only_a_set_whose_files_were_all_looked_at_is_finished(layer: Layer) -> None:
    store = Store(layer)
    keys = [store.register(images) for images in (["a.png", "b.png"], ["a.png"])]
    for key in keys:
        store.write(key, layer, Checkpoint(1, 9, {}, STATISTICS))
    assert [key for key, _ in store.finished("0")] == keys[1:]
    assert list(store.finished("1")) == []


def test_nothing_is_written_before_the_first_image(layer: Layer) -> None:
    store = Store(layer)
    key = store.register(["a.png"])
    store.write(key, layer, Checkpoint(0, 9, {}, None))
    assert store.read(key, "0") is None
    assert store.images("unknown") == []


def test_layers_whose_files_have_one_name_are_not_taken_for_each_other(layer: Layer) -> None:
    store = Store(layer)
    key = store.register(["a.png"])
    store.write(key, layer, Checkpoint(1, 9, {}, STATISTICS))
    (file,) = store.folder.rglob("0.npz")
    file.rename(file.with_name("a-b.npz"))
    assert store.read(key, "a/b") is None


def test_a_network_with_other_weights_has_a_folder_of_its_own(layer: Layer) -> None:
    other = layers(network(convolution(seed=1)), "0").layers["0"]
    folders = {Store(phi).folder for phi in (layer, other, layers(network(), "1").layers["1"])}
    assert len(folders) == 2
    assert {folder.parent for folder in folders} == {cache_folder() / "statistics"}
    assert all(folder.name.startswith("small-") for folder in folders)


def test_the_key_of_an_image_set_changes_with_its_files(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    missing = image_set_key([str(path)])
    path.write_bytes(b"1")
    present = image_set_key([str(path)])
    os.utime(path, (0, 0))
    assert len({missing, present, image_set_key([str(path)])}) == 3
