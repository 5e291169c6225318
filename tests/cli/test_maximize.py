"""`preimage maximize`: targets, output, the same command for every network, bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.cli.runner import run
from tests.support import known

from preimage import catalog
from preimage.photo_files import shipped_photos
from preimage.presets import MODERN
from preimage.visualizations import maximize

LITE0 = "efficientnet-lite0"
QUICK = ("--weights", "random", "--steps", "2")


def test_each_channel_and_seed_gets_a_picture_a_plain_one_and_a_sidecar(tmp_path: Path) -> None:
    outcome = run(
        "maximize", f"{LITE0}/blocks.0", "--channels", "3,5", "--seeds", "2", "--out", tmp_path,
        *QUICK,
    )  # fmt: skip
    assert (outcome.status, outcome.errors) == (0, [])
    assert len(outcome.output) == 5
    assert "live targets above the maximum M over 9 photos" in outcome.output[-1]
    names = [f"{LITE0}-blocks.0.{c}.seed{s}" for c in (3, 5) for s in (0, 1)]
    expected = {f"{name}{end}" for name in names for end in (".png", ".plain.png", ".json")}
    assert {path.name for path in tmp_path.iterdir()} == expected
    sidecar = json.loads((tmp_path / f"{names[3]}.json").read_text())
    assert (sidecar["target"], sidecar["seed"]) == ("5", 1)
    phi = catalog.representation(f"{LITE0}/blocks.0", "random")
    result = maximize(phi, 5, seeds=[1], settings=MODERN.with_steps(2))
    assert sidecar["response"] == pytest.approx(known(result.response).item(), rel=1e-4)
    assert sidecar["maximum"] == pytest.approx(known(result.maxima)[0], rel=1e-6)
    with Image.open(tmp_path / f"{names[3]}.png") as file:
        picture = np.asarray(file).astype(int)
    assert np.abs(picture - np.asarray(result.to_pil())).max() <= 1


TRANSFORMER = "import:tests.representations.transformers.factory"


def test_neurons_can_be_tokens_before_the_grid(tmp_path: Path) -> None:
    outcome = run(
        "maximize", f"{TRANSFORMER}/encoder.layers.0", "--neurons", "3,cls",
        "--neurons", "4,register 2", "--neurons", "5,3,7", "--steps", "2",
        "--out", tmp_path / "a.png",
    )  # fmt: skip
    assert outcome.status == 0, outcome.errors
    sidecars = json.loads((tmp_path / "a.json").read_text())
    assert [sidecar["target"] for sidecar in sidecars] == ["3:cls", "4:register 2", "5:3,7"]


def test_several_results_in_one_picture_are_a_grid_with_a_film(tmp_path: Path) -> None:
    out = tmp_path / "grid.png"
    outcome = run(
        "maximize", f"{LITE0}/blocks.0", "--channels", "0-3", "--mosaic", "--out", out,
        "--video", tmp_path / "film.gif", *QUICK,
    )  # fmt: skip
    assert outcome.status == 0
    assert [line["target"] for line in json.loads(out.with_suffix(".json").read_text())] == [
        "0", "1", "2", "3",
    ]  # fmt: skip
    with Image.open(out) as picture, Image.open(tmp_path / "film.gif") as film:
        assert picture.width > 2 * 112
        assert getattr(film, "n_frames", 1) == 3  # of two steps, and of the end, held as one
    assert not list(tmp_path.glob(".*"))


def test_the_size_of_what_is_shown_and_who_stays_below_m_are_said(tmp_path: Path) -> None:
    out = tmp_path / "3.png"
    outcome = run(
        "maximize", f"{LITE0}/blocks.2", "--channels", "3", "--size", "96", "--out", out, *QUICK
    )
    assert outcome.status == 0
    with Image.open(out) as picture:
        width, height = picture.size
    assert width < 96
    words = outcome.output[0].split("  ")
    at = words.index("96 x 96")
    assert words[at + 1] == f"shown: {height} x {width} pixels, the receptive field"
    assert "; no image of channel 3 reached its M: more --steps" in outcome.output[-1]


def test_an_image_that_is_shown_whole_has_one_size(tmp_path: Path) -> None:
    outcome = run(
        "maximize", f"{LITE0}/pool", "--channels", "0", "--size", "40", "--out", tmp_path, *QUICK
    )
    assert "  40 x 40  response " in outcome.output[0]


def test_a_grid_in_a_folder_has_its_pictures_beside_it(tmp_path: Path) -> None:
    outcome = run(
        "maximize", f"{LITE0}/blocks.0", "--channels", "1,2", "--grid", "--out", tmp_path, *QUICK
    )
    assert outcome.status == 0
    pictures = [f"{LITE0}-blocks.0.{c}{plain}.png" for c in (1, 2) for plain in ("", ".plain")]
    expected = {*pictures, f"{LITE0}-blocks.0.grid.png"}
    assert {path.name for path in tmp_path.glob("*.png")} == expected


def test_a_class_is_shown_to_the_network_afresh(tmp_path: Path) -> None:
    outcome = run(
        "maximize", LITE0, "--classes", "tree frog,963", "--steps", "2", "--json", "--out",
        tmp_path,
    )  # fmt: skip
    assert outcome.status == 0
    lines = [json.loads(line) for line in outcome.output]
    assert [line["target"] for line in lines] == ["tree frog", "963"]
    network = catalog.network(LITE0)
    for line, index in zip(lines, (31, 963), strict=True):
        image = network.preprocessing.load(line["output"], (224, 224))
        scores = network.module((image / 128)[None])
        expected = scores.softmax(1)[0]
        assert line["probability"] == pytest.approx(float(expected[index]), rel=1e-3)
        assert line["top_1"] == network.classes[int(expected.argmax())].split(",")[0]


@pytest.mark.parametrize(
    ("layer", "size"),
    [("torchvision:resnet50/layer3", "64x64"), ("timm:vit_small_patch16_224/blocks.6", "224x224")],
)
def test_the_same_command_serves_networks_of_every_kind(
    layer: str, size: str, tmp_path: Path
) -> None:
    pytest.importorskip(layer.partition(":")[0], exc_type=ImportError)
    outcome = run(
        "maximize", layer, "--channels", "1", "--weights", "random", "--steps", "20", "--size",
        size, "--json", "--out", tmp_path,
    )  # fmt: skip
    assert (outcome.status, outcome.errors) == (0, [])
    line = json.loads(outcome.output[0])
    phi = catalog.representation(layer, "random")
    height, width = line["image_size"]
    gray = torch.zeros(1, 3, height, width)
    codes = phi(gray)
    at = (1, codes.shape[2] // 2, codes.shape[3] // 2) if codes.ndim == 4 else (1 + 7 * 14 + 7, 1)
    assert line["response"] > float(codes[0][at])


def test_m_is_taken_from_a_folder_of_photos(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("chelsea", "coffee"):
        (folder / f"{name}.jpg").write_bytes(shipped_photos()[name].read_bytes())
    outcome = run(
        "maximize", f"{LITE0}/stem.bn", "--channels", "0", "--reference", folder, "--json", "--out",
        tmp_path / "out", *QUICK,
    )  # fmt: skip
    assert outcome.status == 0
    assert json.loads(outcome.output[0])["reference"] == "2 photos"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((f"{LITE0}/stem",), "say what to excite"),
        ((f"{LITE0}/stem", "--channels", "40"), "channel 40 is not among 0-31"),
        ((f"{LITE0}/stem", "--channels", "a-b"), "channels must be like 0-24"),
        ((f"{LITE0}/stem", "--neurons", "1,2"), "a neuron is CHANNEL,ROW,COLUMN"),
        ((f"{LITE0}/stem", "--neurons", "1,200,2"), "is not on the grid of"),
        ((f"{LITE0}/stem", "--neurons", "1,cls"), "unknown position 'cls'"),
        ((f"{TRANSFORMER}/encoder", "--neurons", "1,csl"), "did you mean 'cls'"),
        ((LITE0, "--classes", "tree frag"), "did you mean 'tree frog'"),
        ((LITE0, "--classes", "goose", "--channels", "1"), "give --classes, or --channels"),
        ((f"{LITE0}/stem", "--channels", "1", "--preset", "lucid"), "unknown preset 'lucid'"),
        ((f"{LITE0}/stem", "--channels", "1", "--video", "film.avi"), "ends in .gif or .mp4"),
        ((f"{LITE0}/pool", "--channels", "0-1", "--mosaic"), "leave the mosaic out"),
        ((f"{LITE0}/blocks.13", "--channels", "0-1", "--mosaic"), "leave the mosaic out"),
        ((f"{LITE0}/stam", "--channels", "1"), "unknown layer of EfficientNetLite 'stam'"),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    outcome = run("maximize", *arguments, "--out", tmp_path / "out", *QUICK)
    assert (outcome.status, outcome.output) == (2, [])
    assert len(outcome.errors) == 1
    assert message in outcome.errors[0]
    assert not (tmp_path / "out").exists()


def test_dead_channels_are_reported(tmp_path: Path) -> None:
    outcome = run(
        "maximize", f"{LITE0}/stem.act", "--channels", "10-11", "--steps", "2", "--out", tmp_path
    )
    assert outcome.status == 0
    assert outcome.errors == ["left out: no photo changes the response of 11 (a dead unit)"]
    alone = run(
        "maximize", f"{LITE0}/stem.act", "--channels", "11", "--steps", "2", "--out", tmp_path
    )
    assert alone.status == 2
    assert "no photo changes the response of 11" in alone.errors[0]


def test_many_results_go_on_together(tmp_path: Path) -> None:
    phi = catalog.representation(f"{LITE0}/stem.bn", "random")
    options: dict[str, Any] = {"size": 32, "settings": MODERN.with_steps(2)}
    first = maximize(phi, range(9), **options)
    first.save(tmp_path / "first.npz")
    expected = maximize(phi, range(9), start=first, **options)
    outcome = run(
        "maximize", f"{LITE0}/stem.bn", "--channels", "0-8", "--start", tmp_path / "first.npz",
        "--size", "32x32", "--json", "--out", tmp_path, *QUICK,
    )  # fmt: skip
    assert (outcome.status, outcome.errors) == (0, [])
    lines = [json.loads(line) for line in outcome.output]
    assert [line["start"] for line in lines] == ["noise, 2 steps"] * 9
    assert [line["response"] for line in lines] == pytest.approx(
        known(expected.response).tolist(), rel=1e-4
    )
