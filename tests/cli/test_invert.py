"""`preimage invert`: what it writes and prints."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.cli.runner import SMALL, npy, run, save_photo
from tests.support import known, pixels_of

import preimage
from preimage.preprocessing import GRAY
from preimage.presets import CLASSICAL_QUALITIES, PAPER
from preimage.settings import Settings


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", ["hog", "hogb", "dsift"])
def test_a_photo_gives_a_picture_and_its_sidecar_in_a_folder(name: str, tmp_path: Path) -> None:
    photo, out = save_photo(tmp_path / "a.png"), tmp_path / "new" / "out"
    outcome = run("invert", photo, "--rep", name, "--out", out, *SMALL)
    assert (outcome.status, outcome.errors) == (0, [])
    assert _names(out) == [f"a.{name}.json", f"a.{name}.png"]
    result = preimage.invert(
        preimage.representation(name), photo, settings=CLASSICAL_QUALITIES["fast"].with_steps(3)
    )
    np.testing.assert_array_equal(pixels_of(out / f"a.{name}.png"), np.asarray(result.to_pil()))
    assert len(outcome.output) == 1
    for words in (
        str(photo),
        name,
        "40 x 48",
        f"error {100 * float(known(result.error)):.1f} %",
        str(out),
    ):
        assert words in outcome.output[0]


def test_the_sidecar_holds_what_it_takes_to_make_the_picture_again(tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "a.png", size=(60, 90))
    out = tmp_path / "out"
    arguments = ("--seed", "7", "--loss-weight", "20", "--preset", "paper", *SMALL)
    assert run("invert", photo, "--rep", "hogb", "--out", out, *arguments).status == 0
    picture = out / "a.hogb.seed7.png"
    told = json.loads(picture.with_suffix(".json").read_text())
    assert told["input"] == str(photo)
    assert told["output"] == str(picture)
    assert told["sha256"] == hashlib.sha256(photo.read_bytes()).hexdigest()
    assert told["visualization"] == "invert"
    assert told["versions"]["preimage"] == preimage.__version__
    assert told["versions"]["torch"] == torch.__version__
    assert Settings.from_dict(told["settings"]) == PAPER.replace(iterations=3)
    again = preimage.invert(
        preimage.representation(told["representation"]),
        told["input"],
        size=tuple(told["image_size"]),
        seeds=[told["seed"]],
        loss_weight=told["loss_weight"],
        settings=Settings.from_dict(told["settings"]),
    )
    np.testing.assert_array_equal(pixels_of(picture), np.asarray(again.to_pil()))
    assert told["error"] == float(known(again.error))


def test_a_file_to_write_is_written(tmp_path: Path) -> None:
    photo, out = save_photo(tmp_path / "a.png"), tmp_path / "b.png"
    assert run("invert", photo, "--rep", "hog", "--out", out, *SMALL).status == 0
    assert _names(tmp_path) == ["a.png", "b.json", "b.png"]
    assert pixels_of(out).shape == (40, 48)


def test_a_folder_may_have_a_number_behind_a_dot_or_be_there(tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "a.png")
    (tmp_path / "there.out").mkdir()
    for name in ("run.1", "there.out"):
        assert run("invert", photo, "--rep", "hog", "--out", tmp_path / name, *SMALL).status == 0
        assert _names(tmp_path / name) == ["a.hog.json", "a.hog.png"]


def test_a_folder_of_photos_is_inverted_one_by_one(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed, name in enumerate(("b.png", "a.jpg", "c.tif")):
        save_photo(folder / name, seed)
    (folder / "notes.txt").write_text("not a photo")
    out = tmp_path / "out"
    outcome = run("invert", folder, "--rep", "hog", "--out", out, *SMALL)
    assert (outcome.status, outcome.errors) == (0, [])
    assert _names(out) == [f"{n}.hog.{kind}" for n in "abc" for kind in ("json", "png")]
    assert [line.split()[0] for line in outcome.output] == [
        str(folder / name) for name in ("a.jpg", "b.png", "c.tif")
    ]


def test_photos_of_one_name_do_not_replace_each_other(tmp_path: Path) -> None:
    photos = [save_photo(tmp_path / f"a.{kind}") for kind in ("png", "bmp")]
    out = tmp_path / "out"
    assert run("invert", *photos, "--rep", "hog", "--out", out, *SMALL).status == 0
    assert [n for n in _names(out) if n.endswith(".png")] == ["a.hog-2.png", "a.hog.png"]


def test_seeds_and_loss_weights_are_combined(tmp_path: Path) -> None:
    photo, out = save_photo(tmp_path / "a.png"), tmp_path / "out"
    arguments = ("--seeds", "2", "--loss-weight", "20", "--loss-weight", "0.5", "--json", *SMALL)
    outcome = run("invert", photo, "--rep", "hog", "--out", out, *arguments)
    lines = [json.loads(line) for line in outcome.output]
    assert [(line["loss_weight"], line["seed"]) for line in lines] == [
        (20, 0), (20, 1), (0.5, 0), (0.5, 1),
    ]  # fmt: skip
    outputs = [Path(line["output"]).name for line in lines]
    assert len(set(outputs)) == 4
    assert set(outputs) == {name for name in _names(out) if name.endswith(".png")}
    for line in lines:
        assert json.loads(Path(line["output"]).with_suffix(".json").read_text()) == line


def test_json_is_one_object_a_line_with_the_promised_keys(tmp_path: Path) -> None:
    photos = [save_photo(tmp_path / name, seed) for seed, name in enumerate(("a.png", "b.png"))]
    outcome = run("invert", *photos, "--rep", "dsift", "--out", tmp_path / "o", "--json", *SMALL)
    assert outcome.status == 0
    assert outcome.errors == []
    assert len(outcome.output) == 2
    for line, photo in zip(map(json.loads, outcome.output), photos, strict=True):
        assert line["input"] == str(photo)
        assert line["representation"] == "dsift"
        assert line["seed"] == 0
        assert 0 < line["error"] < 2
        assert line["seconds"] >= 0
        assert Path(line["output"]).is_file()


def test_standard_input_is_an_image(tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "a.png")
    for source, data in ((str(photo), None), ("-", photo.read_bytes())):
        arguments = ("--rep", "hog", "--out", tmp_path / "out", *SMALL)
        assert run("invert", source, *arguments, data=data).status == 0
    from_file, from_input = (
        pixels_of(tmp_path / "out" / f"{stem}.hog.png") for stem in ("a", "stdin")
    )
    np.testing.assert_array_equal(from_input, from_file)


def test_a_saved_code_is_inverted_with_a_derived_or_a_given_size(tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "a.png")
    with torch.no_grad():
        code = preimage.HOG()(GRAY.load(photo)[None])
    (tmp_path / "one.npy").write_bytes(npy(code[0].numpy()))
    (tmp_path / "batch.npy").write_bytes(npy(code.double().numpy()))
    out = tmp_path / "out"
    arguments = ("--rep", "hog", "--out", out, "--steps", "3")
    assert (
        run("invert", photo, tmp_path / "one.npy", tmp_path / "batch.npy", *arguments).status == 0
    )
    for stem in ("one", "batch"):
        np.testing.assert_array_equal(
            pixels_of(out / f"{stem}.hog.png"), pixels_of(out / "a.hog.png")
        )
    told = json.loads((out / "one.hog.json").read_text())
    assert (told["psnr"], told["ssim"], told["image_size"]) == (None, None, [40, 48])
    assert run("invert", tmp_path / "one.npy", *arguments, "--size", "43x44").status == 0
    assert pixels_of(out / "one.hog.png").shape == (43, 44)


def test_every_code_of_a_saved_batch_gets_its_own_picture(tmp_path: Path) -> None:
    (tmp_path / "two.npy").write_bytes(npy(np.random.default_rng(0).random((2, 27, 4, 5))))
    out = tmp_path / "out"
    outcome = run("invert", tmp_path / "two.npy", "--rep", "hog", "--out", out, "--steps", "3")
    assert outcome.status == 0
    assert len([name for name in _names(out) if name.endswith(".png")]) == 2


def test_a_grid_shows_original_and_results_side_by_side(tmp_path: Path) -> None:
    photo, out = save_photo(tmp_path / "a.png", size=(40, 300)), tmp_path / "out"
    arguments = ("--rep", "hog", "--out", out, "--steps", "3", "--seeds", "2", "--grid")
    assert run("invert", photo, *arguments).status == 0
    assert [n for n in _names(out) if n.endswith(".png")] == [
        "a.hog.grid.png", "a.hog.seed0.png", "a.hog.seed1.png",
    ]  # fmt: skip
    grid = pixels_of(out / "a.hog.grid.png")[..., 0]
    shown = [photo, out / "a.hog.seed0.png", out / "a.hog.seed1.png"]
    for index, path in enumerate(shown):
        left = 8 + index * (300 + 8)
        np.testing.assert_array_equal(grid[8:48, left : left + 300], pixels_of(path))
    sidecar = json.loads((out / "a.hog.grid.json").read_text())
    assert [told["seed"] for told in sidecar] == [0, 1]


def test_a_grid_may_be_the_only_file(tmp_path: Path) -> None:
    photo, out = save_photo(tmp_path / "a.png"), tmp_path / "grid.png"
    arguments = ("--rep", "hog", "--out", out, "--seeds", "3", "--grid", "--json", *SMALL)
    outcome = run("invert", photo, *arguments)
    assert outcome.status == 0
    assert _names(tmp_path) == ["a.png", "grid.json", "grid.png"]
    assert [json.loads(line)["output"] for line in outcome.output] == [str(out)] * 3


def test_photos_are_reduced_to_the_size_asked_for(tmp_path: Path) -> None:
    photo, out = save_photo(tmp_path / "a.png", size=(80, 60)), tmp_path / "b.png"
    for size, shape in (("40", (40, 30)), ("30x50", (30, 50)), ("500", (80, 60))):
        arguments = ("--size", size, "--steps", "2")
        assert run("invert", photo, "--rep", "hog", "--out", out, *arguments).status == 0
        assert pixels_of(out).shape == shape


def test_color_transparency_and_orientation_are_handled(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (48, 40, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "turned.jpg", exif=exif)
    Image.fromarray(pixels).convert("RGBA").save(tmp_path / "alpha.png")
    Image.fromarray(pixels).convert("CMYK").save(tmp_path / "cmyk.tif")
    Image.fromarray(pixels[..., 0].astype(np.uint16) * 257).save(tmp_path / "deep.png")
    out = tmp_path / "out"
    photos = sorted(tmp_path.iterdir())
    assert run("invert", *photos, "--rep", "hog", "--out", out, "--steps", "2").status == 0
    shapes = {n: pixels_of(out / f"{n}.hog.png").shape for n in ("turned", "alpha", "cmyk", "deep")}
    assert shapes == {"turned": (40, 48), "alpha": (48, 40), "cmyk": (48, 40), "deep": (48, 40)}


@contextmanager
def _ctrl_c_at_step_2() -> Iterator[Callable[[str], Callable[[preimage.Progress], None]]]:
    def report(progress: preimage.Progress) -> None:
        if progress.step == 2:
            raise KeyboardInterrupt

    yield lambda name: report


def test_ctrl_c_keeps_what_was_reached_and_ends_with_130(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = importlib.import_module("preimage.cli.invert")
    monkeypatch.setattr(command, "progress_bar", _ctrl_c_at_step_2)
    photos = [save_photo(tmp_path / name) for name in ("a.png", "b.png")]
    out = tmp_path / "out"
    outcome = run("invert", *photos, "--rep", "hog", "--out", out, *SMALL)
    assert outcome.status == 130
    assert outcome.errors == ["interrupted: the pictures are as far as they came"]
    assert _names(out) == ["a.hog.json", "a.hog.png"]
    told: dict[str, Any] = json.loads((out / "a.hog.json").read_text())
    assert told["interrupted"]
    assert told["steps"] == 2
