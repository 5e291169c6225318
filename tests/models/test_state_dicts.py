"""Weight files: what is read, what is refused, and that no code of theirs ever runs."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from preimage import files
from preimage.models.errors import ModelError
from preimage.models.state_dicts import (
    RANDOM,
    choose_file,
    fixed_seed,
    load_weights,
    read_state_dict,
)


class Trap:
    """Unpickling it creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.fixture
def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2))


def write_safetensors(state: dict[str, torch.Tensor], path: Path) -> None:
    pytest.importorskip("safetensors.torch").save_file(state, path)


@pytest.mark.parametrize("wrap", [None, "state_dict", "model"])
def test_a_state_dict_is_read_bare_or_inside_a_checkpoint(
    network: nn.Sequential, tmp_path: Path, wrap: str | None
) -> None:
    state = network.state_dict()
    torch.save({wrap: state, "epoch": 3} if wrap else state, tmp_path / "w.pth")
    assert read_state_dict(tmp_path / "w.pth").keys() == state.keys()


def test_safetensors_are_read(network: nn.Sequential, tmp_path: Path) -> None:
    write_safetensors(network.state_dict(), tmp_path / "w.safetensors")
    read = read_state_dict(tmp_path / "w.safetensors")
    assert all(torch.equal(read[key], value) for key, value in network.state_dict().items())


@pytest.mark.parametrize("protocol", ["torch", "pickle"])
def test_code_inside_a_weight_file_never_runs(tmp_path: Path, protocol: str) -> None:
    trap, path = tmp_path / "sprung", tmp_path / "w.pth"
    if protocol == "torch":
        torch.save({"weight": Trap(trap)}, path)
    else:
        path.write_bytes(pickle.dumps({"weight": Trap(trap)}, protocol=2))
    with pytest.raises(ModelError, match="could run code and are never read"):
        read_state_dict(path)
    assert not trap.exists()


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
@pytest.mark.parametrize("kept", [0, 1, 100, 600])
def test_a_truncated_file_is_one_clear_line(
    network: nn.Sequential, tmp_path: Path, name: str, kept: int
) -> None:
    pytest.importorskip("safetensors")
    path = tmp_path / name
    if path.suffix == ".safetensors":
        write_safetensors({"w": torch.zeros(500)}, path)
    else:
        torch.save(network.state_dict(), path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ModelError, match="damaged") as caught:
        read_state_dict(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"not weights at all", b"\x80\x02garbage", b"PK\x03\x04"])
def test_a_file_of_something_else_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(ModelError, match="damaged, not a weight file"):
        read_state_dict(tmp_path / "w.pth")


def test_a_small_checkpoint_that_would_fill_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, path = tmp_path / "whole.pth", tmp_path / "w.pth"
    torch.save({"weight": torch.zeros(10**6)}, whole)
    with (
        zipfile.ZipFile(whole) as source,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for entry in source.infolist():
            packed.writestr(entry.filename, source.read(entry))
    assert read_state_dict(path)["weight"].shape == (10**6,)
    monkeypatch.setattr(files, "inflated_limit", lambda size: 10 * size)
    with pytest.raises(ModelError, match="far more than its size suggests") as caught:
        read_state_dict(path)
    assert str(caught.value).startswith(f"{path}: decompresses to 4,")


@pytest.mark.parametrize("content", [torch.zeros(3), {}, [1, 2]])
def test_a_file_without_named_tensors_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(ModelError, match="holds no named tensors"):
        read_state_dict(tmp_path / "w.pth")


def test_a_checkpoint_with_other_entries_is_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(3), "epoch": 7}, tmp_path / "w.pth")
    with pytest.raises(ModelError, match="'epoch' is not a tensor"):
        read_state_dict(tmp_path / "w.pth")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        read_state_dict(tmp_path / "w.pth")


def test_missing_and_unexpected_weights_are_counted_and_the_first_named(
    network: nn.Sequential,
) -> None:
    state = {f"a.{key}": value for key, value in network.state_dict().items()}
    with pytest.raises(ModelError) as caught:
        load_weights(network, state, "w.pth")
    assert str(caught.value) == (
        "w.pth: weights of another network: 6 missing (0.weight, 0.bias, 1.weight, ...) and "
        "7 unexpected (a.0.weight, a.0.bias, a.1.weight, ...)"
    )


def test_weights_of_another_shape_are_refused(network: nn.Sequential) -> None:
    state = network.state_dict() | {"0.weight": torch.zeros(2, 3, 3, 3)}
    with pytest.raises(ModelError, match=r"size mismatch for 0\.weight") as caught:
        load_weights(network, state, "w.pth")
    assert "\n" not in str(caught.value)


def test_complex_weights_of_a_real_network_are_refused_and_nothing_is_loaded(
    network: nn.Sequential,
) -> None:
    before = network.state_dict()["0.weight"].clone()
    weights = network.state_dict() | {"0.weight": torch.ones(2, 3, 1, 1, dtype=torch.complex64)}
    with pytest.raises(ModelError, match=r"a.pt: 0\.weight is complex, but the network needs"):
        load_weights(network, weights, "a.pt")
    assert torch.equal(network.state_dict()["0.weight"], before)


def test_weights_are_renamed_before_they_are_loaded(network: nn.Sequential) -> None:
    state = {f"a.{key}": value + 1 for key, value in network.state_dict().items()}
    load_weights(network, state, "w.pth", lambda name: name.removeprefix("a."))
    assert torch.equal(network.state_dict()["0.weight"], state["a.0.weight"])


def test_weights_of_a_network_in_data_parallel_are_its_own(network: nn.Sequential) -> None:
    expected = {name: value + 1 for name, value in network.state_dict().items()}
    load_weights(network, {f"module.{name}": value for name, value in expected.items()}, "file")
    assert all(torch.equal(value, expected[name]) for name, value in network.state_dict().items())


def test_a_file_is_chosen_before_the_networks_own(tmp_path: Path) -> None:
    own = tmp_path / "own.pth"
    own.touch()
    assert choose_file("net", None, own) == own
    assert choose_file("net", "mine.pth", own) == Path("mine.pth")
    assert choose_file("net", RANDOM, own) is None


@pytest.mark.parametrize("own", [None, Path("absent.pth")])
def test_weights_that_are_not_there_are_an_error_that_names_the_ways_out(own: Path | None) -> None:
    with pytest.raises(ModelError, match=r"preimage fetch net.*--weights FILE.*--weights random"):
        choose_file("net", None, own)


def test_a_fixed_seed_leaves_the_generator_as_it_was() -> None:
    before = torch.get_rng_state()
    with fixed_seed():
        first = torch.rand(3)
    assert torch.equal(before, torch.get_rng_state())
    with fixed_seed():
        assert torch.equal(torch.rand(3), first)
