"""`preimage top`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.runner import run, save_photo
from tests.support import pixels_of

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


def test_top_draws_the_channels_and_says_where_the_crops_are_from(
    folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new/top.png"
    arguments = ("top", f"{NET}/1", "--reference", folder, "--channels", "1,4-5", "--out", out)
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


def test_each_layer_has_a_picture_in_a_folder_by_default(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "top.png").write_text("mine")
    name = NET.replace(":", "-")
    for layer in ("0", "1"):
        outcome = run("top", f"{NET}/{layer}", "--reference", folder, "--channels", "0")
        assert (outcome.status, outcome.errors) == (0, [])
    names = [f"{name}-{layer}.{kind}" for layer in "01" for kind in ("json", "png")]
    assert sorted(path.name for path in (tmp_path / "top").iterdir()) == names
    assert (tmp_path / "top.png").read_text() == "mine"


def test_top_uses_the_largest_known_set_and_else_the_shipped_photos(
    folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "top.png"
    run("stats", f"{NET}/0", "--images", folder)  # fewer than the package ships
    assert "9 images" in run("top", f"{NET}/0", "--out", out).output[0]
    for seed in range(4, 12):
        save_photo(folder / f"{seed}.png", seed=seed)
    run("stats", f"{NET}/0", "--images", folder)
    outcome = run("top", f"{NET}/0", "--out", out)
    assert outcome.output[0] == f"{NET}/0  6 channels  12 images  -> {out}"
    assert "9 images" in run("top", f"{NET}/1", "--out", out).output[0]


def test_a_set_of_a_folder_that_was_moved_is_passed_over(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "top.png"
    for seed in range(4, 12):
        save_photo(folder / f"{seed}.png", seed=seed)
    run("stats", f"{NET}/0", "--images", folder)
    folder.rename(tmp_path / "moved")
    outcome = run("top", f"{NET}/0", "--out", out)
    assert outcome.errors == []
    assert "9 images" in outcome.output[0]


def test_an_image_that_top_cannot_read_any_more_is_named(folder: Path, tmp_path: Path) -> None:
    for seed in range(4, 9):
        save_photo(folder / f"{seed}.png", seed=seed)
    run("stats", f"{NET}/0", "--images", folder)
    for path in folder.iterdir():
        if path.name != "0.png":  # by which the folder is known to be there
            path.unlink()
    outcome = run("top", f"{NET}/0", "--out", tmp_path / "top.png")
    assert outcome.status == 2
    (line,) = outcome.errors
    assert str(folder) in line
    assert "No such file" in line


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--channels", "3-9"), "channel 9 is not among 0-5"),
        (("--channels", "5-3"), "channels must be like 0-24,31 or all, not '5-3'"),
        (("--channels", ","), "channels must be like"),
        (("--out", "top.txt"), "cannot write top.txt: a picture ends in .png"),
    ],
)
def test_bad_options_of_top_are_refused(options: tuple[str, ...], message: str) -> None:
    outcome = run("top", f"{NET}/0", *options)
    assert outcome.status == 2
    (line,) = outcome.errors
    assert message in line


def test_all_channels_can_be_asked_for(folder: Path, tmp_path: Path) -> None:
    options = ("--reference", folder, "--channels", "all", "--out", tmp_path / "top.png")
    assert run("top", f"{NET}/0", *options).output[0].split("  ")[1] == "6 channels"


def test_classes_are_channels_of_the_scores(folder: Path, tmp_path: Path) -> None:
    lite0, shared = "efficientnet-lite0", ("--weights", "random", "--reference", folder)
    by_name, by_number = tmp_path / "name.png", tmp_path / "number.png"
    outcome = run("top", lite0, "--classes", "tree frog, 933", *shared, "--out", by_name)
    assert (outcome.status, outcome.errors) == (0, [])
    same = ("top", f"{lite0}/classifier", "--channels", "31,933", *shared, "--out", by_number)
    assert run(*same).status == 0
    assert outcome.output[0].split("  ")[1] == "2 classes"
    named, numbered = (
        json.loads(path.with_suffix(".json").read_text()) for path in (by_name, by_number)
    )
    assert named["channels"] == numbered["channels"]
    assert (pixels_of(by_name) != pixels_of(by_number)).any()  # the names of the classes


def test_of_the_shipped_photos_it_is_said_that_they_show_few_classes(tmp_path: Path) -> None:
    options = ("--weights", "random", "--classes", "goose", "--out", tmp_path / "top.png")
    assert "show few classes" in run("top", "efficientnet-lite0", *options).output[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("efficientnet-lite0/stem", "--classes", "goose"), "takes a network without a layer"),
        (("efficientnet-lite0", "--classes", "goose", "--channels", "1"), "--channels or"),
        (("efficientnet-lite0", "--classes", "gose"), "did you mean 'goose'"),
    ],
)
def test_classes_that_cannot_be_meant_get_one_clear_line(
    words: tuple[str, ...], message: str
) -> None:
    outcome = run("top", *words, "--weights", "random")
    assert outcome.status == 2
    assert message in outcome.errors[0]
