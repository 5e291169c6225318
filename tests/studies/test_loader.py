"""The loader: one network at a time, from where its weights lie."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.judges import JUDGE

from preimage import catalog, hoggle
from preimage.files import sha256
from preimage.networks import Network
from preimage.studies.loader import Loader

LITE0 = "efficientnet-lite0"


def test_the_layers_of_a_network_share_it_until_another_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded: list[tuple[str, object]] = []
    load = catalog.network

    def watched(name: str, *, weights: str | Path | None = None) -> Network:
        loaded.append((name, weights))
        return load(name, weights="random")

    monkeypatch.setattr(catalog, "network", watched)
    loader = Loader()
    stem = loader.representation(f"{LITE0}/stem", "random")
    assert loader.representation(f"{LITE0}/blocks.1", "random") is not stem
    assert loader.representation(f"{LITE0}/stem", "random") is stem
    assert loader.network(LITE0, "random") is loader.network_of(f"{LITE0}/stem", "random")
    assert loaded == [(LITE0, "random")]
    assert loader.representation(f"{LITE0}/stem", None) is not stem
    assert loaded == [(LITE0, "random"), (LITE0, None)]


def test_classical_representations_belong_to_no_network() -> None:
    loader = Loader()
    assert loader.network_of("hog") is None
    assert loader.representation("dsift").name == "dsift"
    with pytest.raises(ValueError, match="unknown representation 'hgo': did you mean 'hog'"):
        loader.representation("hgo")


def test_a_weight_file_that_lies_elsewhere_is_taken_from_there(tmp_path: Path) -> None:
    network = catalog.network(LITE0, weights="random")
    weights = tmp_path / "here.pth"
    torch.save(network.module.state_dict(), weights)
    loader = Loader()
    loader.files[LITE0, "/there.pth"] = weights
    image = torch.zeros(1, 3, 224, 224)
    found = loader.representation(f"{LITE0}/stem", "/there.pth")(image)
    assert torch.equal(found, network.layer("stem")(image))


def test_dictionaries_are_read_once_and_refused_if_they_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "hoggle.npz"
    file.write_bytes(b"first")
    checksum = sha256(file)
    read: list[Path] = []

    def load(path: Path) -> str:
        read.append(path)
        return "dictionaries"

    monkeypatch.setattr(hoggle, "load", load)
    loader = Loader()
    for _ in range(2):
        assert str(loader.dictionaries(str(file), checksum)) == "dictionaries"
    assert read == [file]
    file.write_bytes(b"second")
    with pytest.raises(ValueError, match=r"hoggle.npz: changed since the study began"):
        Loader().dictionaries(str(file), checksum)


def test_a_judge_is_loaded_once_and_only_if_it_is_named() -> None:
    loader = Loader()
    judge = loader.judge((JUDGE,))
    assert judge is not None
    assert [network.name for network in judge.networks] == [JUDGE]
    assert loader.judge((JUDGE,)) is judge
    assert loader.judge(()) is None
    assert loader.judge((JUDGE,)) is judge


def test_codes_through_steps_are_layers_of_the_same_network() -> None:
    loader = Loader()
    unit = loader.representation(f"{LITE0}/stem|unit", "random")
    assert unit.name == f"{LITE0}/stem|unit"
    network = loader.network(LITE0, "random")
    assert loader.network_of(f"{LITE0}/stem|pca:a/b.npy", "random") is network
    assert loader.network_of("hog|pca:a/b.npy") is None
