"""What `invert`, `maximize` and `caricature` write and print."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.cli.runner import SMALL, npy, run, save_photo
from tests.judges import JUDGE
from tests.support import full_disk, pixels_of

import preimage
from preimage.cli import gallery
from preimage.objective import Objective
from preimage.presets import CLASSICAL_QUALITIES
from preimage.studies.judge import Judge

RANDOM = ("--weights", "random", "--steps", "2", "--size", "64x64")


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


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


def test_results_keep_apart_where_upper_and_lower_case_are_one(tmp_path: Path) -> None:
    for folder in "ab":
        (tmp_path / folder).mkdir()
    photos = [save_photo(tmp_path / "a/cat.png"), save_photo(tmp_path / "b/Cat.png")]
    out = tmp_path / "out"
    assert run("invert", *photos, "--rep", "hog", "--out", out, *SMALL).status == 0
    assert [n for n in _names(out) if n.endswith(".png")] == ["Cat.hog-2.png", "cat.hog.png"]


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


def test_several_seeds_of_several_layers_have_a_row_for_each_layer(tmp_path: Path) -> None:
    photo, out = save_photo(tmp_path / "a.png", size=(200, 200)), tmp_path / "grid.png"
    reps = ("--rep", "hog", "--rep", "hogb", "--seeds", "2")
    assert run("invert", photo, *reps, "--steps", "2", "--out", out).status == 0
    grid = pixels_of(out)
    first, second = (grid[top : top + 200, 8 : 8 + 200] for top in _tops(grid))
    np.testing.assert_array_equal(first, second)  # the photo, at the beginning of each row
    assert grid.shape[1] == 3 * (200 + 8) + 8


def _tops(grid: np.ndarray) -> list[int]:
    """Return the rows of pixels where pictures begin, below a margin of 8 pixels."""
    return [8, grid.shape[0] // 2 + 4]


def test_a_grid_shows_the_photo_again_where_its_size_is_another(tmp_path: Path) -> None:
    photo, out = save_photo(tmp_path / "a.png", size=(96, 96)), tmp_path / "grid.png"
    layers = ("--rep", "efficientnet-lite0/stem", "--rep", "efficientnet-lite0/blocks.0")
    options = ("--weights", "random", "--steps", "2", "--grid", "--out", out)
    assert run("invert", photo, "--rep", "hog", *layers, *options).status == 0
    photo_and_hog, photo_and_layers = 2 * (2 * 96 + 8), 3 * (224 + 8)
    assert pixels_of(out).shape[1] == 8 + photo_and_hog + photo_and_layers


def test_a_window_counts_alone_and_its_field_is_boxed_in_white(tmp_path: Path) -> None:
    photo, out = save_photo(tmp_path / "a.png", size=(64, 64)), tmp_path / "out"
    arguments = ("--window", "3", "--channels", "0-47", "--grid", "--json", *RANDOM)
    outcome = run("invert", photo, "--rep", "alexnet/conv1", "--out", out, *arguments)
    assert (outcome.status, outcome.errors) == (0, [])
    (line,) = map(json.loads, outcome.output)
    assert line["mask"] == {"window": 3, "channels": "0-47"}
    grid = pixels_of(out / "a.alexnet-conv1.grid.png")
    # 14 x 14 responses: rows 5-7 see pixels 20 to 38; the grid has a margin of 8 pixels, and
    # pictures of 64 pixels are enlarged by 2. The white line has dark ones on both sides.
    assert (grid[8 + 40, 8 + 40 : 8 + 76] == 0).all()
    assert (grid[8 + 42, 8 + 42 : 8 + 74] == 255).all()


class _Interrupted:
    """A progress bar that presses Ctrl-C at step 2."""

    def for_steps(self, name: str) -> Callable[[preimage.Progress], None]:
        def report(progress: preimage.Progress) -> None:
            if progress.step == 2:
                raise KeyboardInterrupt

        return report


def test_ctrl_c_keeps_what_was_reached_and_ends_with_130(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "progress_bar", lambda: nullcontext(_Interrupted()))
    photos = [save_photo(tmp_path / name) for name in ("a.png", "b.png")]
    out = tmp_path / "out"
    outcome = run("invert", *photos, "--rep", "hog", "--out", out, *SMALL)
    assert outcome.status == 130
    assert outcome.errors == ["interrupted: the pictures are saved as they were then"]
    assert _names(out) == ["a.hog.json", "a.hog.png"]
    told: dict[str, Any] = json.loads((out / "a.hog.json").read_text())
    assert told["interrupted"]
    assert told["steps"] == 2


def test_a_picture_shows_the_results_of_several_photos_a_row_for_each(tmp_path: Path) -> None:
    photos = [save_photo(tmp_path / f"{name}.png", size=(120, 160)) for name in "ab"]
    out = tmp_path / "both.png"
    outcome = run("invert", *photos, "--rep", "hog", "--seeds", "2", "--steps", "2", "--out", out)
    assert (outcome.status, outcome.errors) == (0, [])
    assert _names(tmp_path) == ["a.png", "b.png", "both.json", "both.png"]
    assert pixels_of(out).shape[:2] == (2 * (120 + 30 + 8) + 8, 3 * (160 + 8) + 8)
    assert [told["seed"] for told in json.loads(out.with_suffix(".json").read_text())] == [0, 1] * 2


def test_a_picture_of_several_runs_is_there_before_the_last_one_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "all.png"
    invert, kept = preimage.invert, list[int]()

    def ended(*arguments: Any, **options: Any) -> preimage.PreImage:
        told = json.loads(out.with_suffix(".json").read_text()) if out.exists() else []
        kept.append(len(told))
        if len(kept) == 4:
            raise SystemExit(143)  # as SIGTERM does
        return invert(*arguments, **options)

    monkeypatch.setattr(preimage, "invert", ended)
    photos = [save_photo(tmp_path / f"{name}.png") for name in "ab"]
    arguments = ("--rep", "hog", "--rep", "dsift", "--out", out, "--workers", "1", *SMALL)
    assert run("invert", *photos, *arguments).status == 143
    assert kept == [0, 1, 2, 3]
    assert len(json.loads(out.with_suffix(".json").read_text())) == 3
    assert pixels_of(out).shape[0] > 200  # two rows


@pytest.mark.parametrize("name", ["all.png", "all.npz"])
def test_a_file_of_all_results_is_named_once_when_it_is_there(name: str, tmp_path: Path) -> None:
    photo, out = save_photo(tmp_path / "a.png"), tmp_path / name
    outcome = run("invert", photo, "--rep", "hog", "--seeds", "2", "--out", out, *SMALL)
    kind = "picture" if out.suffix == ".png" else "result"
    assert [line for line in outcome.output if "->" in line] == [f"{kind}  -> {out}"]
    assert outcome.output[-1] == f"{kind}  -> {out}"
    assert len(outcome.output) == 3


def test_an_input_that_fails_leaves_the_picture_to_the_others(tmp_path: Path) -> None:
    good, bad = save_photo(tmp_path / "a.png"), tmp_path / "b.png"
    bad.write_text("no image")
    out = tmp_path / "all.png"
    outcome = run("invert", bad, good, "--rep", "hog", "--seeds", "2", "--out", out, *SMALL)
    assert (outcome.status, len(outcome.errors)) == (2, 1)
    assert len(json.loads(out.with_suffix(".json").read_text())) == 2


def test_a_full_disk_is_told_with_file_and_reason_and_leaves_no_part(tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "a.png", 0, (99, 99))
    out = tmp_path / "out"
    with full_disk():
        outcome = run("invert", photo, "--rep", "hog", "--steps", "2", "--out", out)
    assert outcome.status == 2
    assert outcome.errors == [f"error: {photo}: {out / 'a.hog.png'}: File too large"]
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("video", ["film.gif", "film.mp4"])
@pytest.mark.parametrize("preset", [(), ("--preset", "nnpreimage")])
def test_ctrl_c_before_the_first_frame_leaves_a_film_of_the_end(
    preset: tuple[str, ...], video: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if video.endswith(".mp4"):
        pytest.importorskip("av", reason="the extra video")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Objective, "__call__", interrupt)
    photo, out = save_photo(tmp_path / "a.png"), tmp_path / "out"
    film = tmp_path / video
    outcome = run("invert", photo, "--rep", "hog", "--out", out, "--video", film, *preset)
    assert outcome.status == 130
    assert outcome.errors == ["interrupted: the pictures are saved as they were then"]
    assert (out / "a.hog.png").exists()
    assert (tmp_path / video).stat().st_size > 100


def test_the_results_of_one_run_are_kept_exactly_in_a_file(tmp_path: Path) -> None:
    photo, out = save_photo(tmp_path / "a.png"), tmp_path / "all.npz"
    arguments = ("--rep", "hog", "--seeds", "2", "--json", *SMALL)
    outcome = run("invert", photo, "--out", out, *arguments)
    assert (outcome.status, outcome.errors) == (0, [])
    kept = preimage.PreImage.load(out)
    settings = CLASSICAL_QUALITIES["fast"].with_steps(3)
    expected = preimage.invert(preimage.HOG(), photo, seeds=[0, 1], settings=settings)
    assert torch.equal(kept.images, expected.images)
    assert [json.loads(line)["output"] for line in outcome.output] == [str(out)] * 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "all.npz"]
    assert run("invert", photo, "--start", out, "--out", out, *arguments).status == 0
    assert preimage.PreImage.load(out).start == ("noise, 3 steps",) * 2


@pytest.mark.parametrize(
    ("more", "runs"),
    [(("b.png", "--rep", "hog"), 2), (("--rep", "hog", "--rep", "dsift"), 2),
     (("codes.npy", "--rep", "hog"), 4)],
)  # fmt: skip
def test_a_file_for_several_runs_is_refused_before_any_work(
    more: tuple[str, ...], runs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.png"):
        save_photo(tmp_path / name)
    phi = preimage.HOG()
    codes = phi.encode(torch.stack([phi.preprocessing.load("a.png")] * 3))
    Path("codes.npy").write_bytes(npy(codes.numpy()))
    monkeypatch.setattr(preimage, "invert", None)
    outcome = run("invert", "a.png", *more, "--out", "all.npz", *SMALL)
    assert outcome.status == 2
    (line,) = outcome.errors
    assert f"all.npz holds the results of one run, but these are {runs}: give one input" in line
    outcome = run("invert", "a.png", "--rep", "hog", "--out", "all.npz", "--grid", *SMALL)
    assert "all.npz holds no picture: leave --grid out" in outcome.errors[0]


def test_judges_add_their_numbers_to_the_line_and_the_sidecar(tmp_path: Path) -> None:
    photo, options = save_photo(tmp_path / "a.png"), ("--rep", "hog", *SMALL)
    plain = run("invert", photo, *options, "--out", tmp_path / "plain")
    outcome = run("invert", photo, *options, "--out", tmp_path / "judged", "--judge", JUDGE)
    assert (plain.status, outcome.status, outcome.errors) == (0, 0, [])
    without, line = (
        json.loads((tmp_path / folder / "a.hog.json").read_text()) for folder in ("plain", "judged")
    )
    with Image.open(tmp_path / "judged/a.hog.png") as picture, Image.open(photo) as original:
        gray = Image.fromarray(np.asarray(original))
        expected = dataclasses.asdict(Judge([JUDGE]).judge(picture, gray))
    known = {name: value for name, value in expected.items() if value is not None}
    assert line["judge"] == [JUDGE]
    assert {name: line[name] for name in known} == pytest.approx(known)
    assert line.keys() - without.keys() == {"judge", *known}
    assert (
        f"judge {JUDGE}: distance {known['feature_distance']:.2f}, same class " in outcome.output[0]
    )
    assert f"judge {JUDGE}" not in plain.output[0]


def test_a_class_given_by_its_number_is_judged_by_its_name(tmp_path: Path) -> None:
    photos = [save_photo(tmp_path / name, seed) for seed, name in enumerate(("a.png", "b.png"))]
    options = ("--weights", "random", "--steps", "1", "--size", "32", "--json", "--judge", JUDGE)
    reference = ("--reference", photos[0], "--reference", photos[1], "--out", tmp_path / "out")
    classes = ("--classes", "389,tench")
    outcome = run("maximize", "efficientnet-lite0", *classes, *options, *reference)
    number, name = (json.loads(line) for line in outcome.output)
    assert number["target"] == "389"
    assert 0 < number["judge_probability"] < 1
    assert number["judge_top_1"] in (0, 1)
    assert "judge_probability" not in name  # the judge has no tench
    assert "feature_distance" not in number
    assert 0 <= name["natural_gradients"] <= 1


def test_whose_probability_it_is_and_that_a_judge_lacks_the_class_is_said(tmp_path: Path) -> None:
    photos = [save_photo(tmp_path / name, seed) for seed, name in enumerate(("a.png", "b.png"))]
    options = ("--weights", "random", "--steps", "1", "--size", "32", "--judge", JUDGE)
    reference = ("--reference", photos[0], "--reference", photos[1], "--out", tmp_path / "out")
    outcome = run("maximize", "efficientnet-lite0", "--classes", "389,tench", *options, *reference)
    known, lacking, _ = outcome.output
    own = r"  probability 0\.\d\d by efficientnet-lite0  "
    assert re.search(rf"{own}judge {JUDGE}: probability 0\.\d\d  ", known)
    assert re.search(rf"{own}judge {JUDGE}: no such class, so no probability  ", lacking)


def test_an_unknown_judge_is_named_before_anything_is_computed(tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "a.png")
    for command in (("invert", photo), ("caricature", photo)):
        outcome = run(*command, "--rep", "hog", "--judge", "vgg", "--out", tmp_path / "out")
        assert (outcome.status, len(outcome.errors)) == (2, 1)
        assert "unknown network 'vgg': did you mean 'vgg-" in outcome.errors[0]
        assert not (tmp_path / "out").exists()
