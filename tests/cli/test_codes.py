"""Saved arrays: batches of codes one by one, other scales, and photos of many channels."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.cli.runner import SMALL, npy, run, save_photo
from torch import nn

import preimage
from preimage.cli import progress
from preimage.cli.codes import split_array
from preimage.preprocessing import GRAY, Preprocessing

NETWORK = """
from torch import nn
def make():
    return nn.Sequential(nn.Conv2d(5, 4, 3)), {
        "mean": (500,) * 5, "std": (300,), "range": (0, 1000), "size": (16, 16), "bands": (2, 1, 0)}
"""


def _codes(tmp_path: Path, count: int) -> np.ndarray:
    photos = [GRAY.load(save_photo(tmp_path / f"{n}.jpg", n)) for n in range(count)]
    return preimage.HOG().encode(torch.stack(photos)).numpy()


def test_codes_are_inverted_one_by_one_with_an_estimate_and_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_LONG_SECONDS", 0)
    codes = _codes(tmp_path, 3)
    (tmp_path / "codes.npy").write_bytes(npy(codes))
    words = ("--rep", "hog", "--steps", "3", "--json", "--limit", "2", "--out", tmp_path / "out")
    outcome = run("invert", tmp_path / "codes.npy", *words)
    assert outcome.status == 0
    (line,) = outcome.errors
    assert re.fullmatch(
        r"2 codes: about \d+ seconds left; finished results are kept, and --limit takes fewer", line
    )
    outputs = [Path(json.loads(line)["output"]).name for line in outcome.output]
    assert outputs == ["codes.hog.code0.png", "codes.hog.code1.png"]
    settings = preimage.settings_for(preimage.HOG(), "fast").with_steps(3)
    expected = preimage.invert(preimage.HOG(), codes=codes[1], settings=settings)
    assert json.loads(outcome.output[1])["error"] == float(expected.error or 0)


def test_ctrl_c_keeps_the_codes_that_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "codes.npy").write_bytes(npy(_codes(tmp_path, 3)))
    original, calls = preimage.invert, []

    def stop_at_the_second(*arguments: object, **options: object) -> object:
        calls.append(options)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(preimage, "invert", stop_at_the_second)
    words = ("--rep", "hog", "--steps", "3", "--out", tmp_path / "out")
    outcome = run("invert", tmp_path / "codes.npy", *words)
    assert (outcome.status, len(outcome.output)) == (130, 1)
    assert (tmp_path / "out" / "codes.hog.code0.png").exists()


def test_the_scale_of_codes_is_warned_of_and_undone(tmp_path: Path) -> None:
    photo = GRAY.load(save_photo(tmp_path / "a.png", size=(73, 73)))[None]
    code = preimage.DSIFT().encode(photo).numpy() * 512
    (tmp_path / "code.npy").write_bytes(npy(code))
    words = ("--rep", "dsift", "--steps", "3", "--size", "73x73", "--json")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        scaled = run("invert", tmp_path / "code.npy", *words, "--out", tmp_path / "out")
    (line,) = scaled.errors
    assert line.startswith("warning: a code of dsift has descriptors with norms up to 512")
    own = run("invert", tmp_path / "code.npy", *words, "--code-scale", "512", "--out", tmp_path)
    assert own.errors == []
    errors = [json.loads(outcome.output[0])["error"] for outcome in (scaled, own)]
    assert errors[0] > 0.9 > errors[1]


def test_an_array_is_a_photo_where_no_picture_could_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bandnet.py").write_text(NETWORK)
    photo = np.random.default_rng(0).integers(0, 1000, (16, 16, 5)).astype(np.uint16)
    (tmp_path / "photo.npy").write_bytes(npy(photo))
    (tmp_path / "code.npy").write_bytes(npy(np.ones((4, 14, 14))))
    words = ("--rep", "import:bandnet.make/0", "--steps", "3", "--json")
    for command in ("invert", "caricature"):
        outcome = run(command, "photo.npy", *words, "--grid", "--out", tmp_path / command)
        assert outcome.status == 0
        told = json.loads(outcome.output[0])
        assert told["image_size"] == [16, 16]
        assert len(list((tmp_path / command).glob("*.png"))) == 2
    assert run("invert", "photo.npy", "code.npy", *words, "--out", tmp_path / "both").status == 0
    maximized = run(
        "maximize", "import:bandnet.make/0", "--channels", "0", "--reference", "photo.npy",
        "--steps", "3", "--out", tmp_path / "out",
    )  # fmt: skip
    assert (maximized.status, maximized.errors) == (0, [])


def test_arrays_are_split_by_the_shape_of_a_code() -> None:
    layer = preimage.Layer(
        nn.Sequential(nn.Conv2d(12, 4, 3)), "0", Preprocessing(mean=(9.0,) * 12, size=(9, 9))
    )
    for shape, count, is_photo in (
        ((4, 7, 7), 1, False), ((3, 4, 7, 7), 3, False), ((12, 20, 20), 1, True),
        ((20, 20, 12), 1, True), ((5, 5), 1, False), ((), 1, False),
    ):  # fmt: skip
        parts, found = split_array(layer, np.zeros(shape), None)
        assert (len(parts), found) == (count, is_photo), shape


@pytest.mark.parametrize("shape", [(40, 48, 3), (3, 40, 48), (40, 48), (40, 48, 1)])
def test_an_8_bit_array_is_a_photo_of_a_color_network(
    shape: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "colornet.py").write_text(
        NETWORK.replace("Conv2d(5,", "Conv2d(3,")
        .replace("(500,) * 5", "(120,) * 3")
        .replace('"std": (300,), "range": (0, 1000), ', "")
        .replace("(2, 1, 0)", "None")
    )
    photo = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    (tmp_path / "photo.npy").write_bytes(npy(photo))
    words = ("--rep", "import:colornet.make/0", "--steps", "3", "--json", "--out", tmp_path)
    outcome = run("invert", "photo.npy", *words)
    assert (outcome.status, outcome.errors) == (0, [])
    layer = preimage.representation("import:colornet.make/0")
    settings = preimage.settings_for(layer, "fast").with_steps(3)
    expected = preimage.invert(layer, photo, settings=settings)
    told = json.loads(outcome.output[0])
    assert told["error"] == pytest.approx(float(expected.error or 0))
    assert told["psnr"] == pytest.approx(float(expected.psnr or 0))


def test_arrays_of_usual_networks_are_split_by_their_shape_and_type() -> None:
    network = nn.Sequential(nn.Conv2d(3, 3, 3), nn.Flatten())
    sized = Preprocessing(mean=(120.0,) * 3, size=(9, 9))
    maps, vectors = (preimage.Layer(network, name, sized) for name in ("0", "1"))
    free = preimage.Layer(network, "0", Preprocessing(mean=(120.0,) * 3))
    for phi, shape, kind, is_photo in (
        (maps, (3, 7, 7), "uint8", False), (maps, (5, 3, 7, 7), "uint8", False),
        (maps, (3, 9, 9), "float32", True), (maps, (9, 9), "uint8", True),
        (maps, (9, 9), "float32", False), (maps, (7, 9, 9), "uint8", False),
        (vectors, (147,), "uint8", False), (vectors, (4, 147), "uint8", False),
        (vectors, (9, 9), "uint8", False), (vectors, (9, 9, 3), "float32", True),
        (maps, (96, 3, 3), "float32", False), (maps, (96, 3, 3), "uint8", False),
        (free, (3, 7, 7), "float32", False), (free, (9, 9, 3), "uint8", True),
        (free, (9, 9, 3), "float32", True), (preimage.HOG(), (31, 4, 4), "float32", False),
        (preimage.HOG(), (40, 48, 3), "uint8", True), (preimage.HOG(), (30, 4, 4), "uint8", False),
    ):  # fmt: skip
        parts, found = split_array(phi, np.zeros(shape, kind), None)
        assert found == is_photo, (phi.name, shape, kind)
        assert len(parts) == (shape[0] if shape in ((5, 3, 7, 7), (4, 147)) else 1)


def test_several_representations_are_shown_side_by_side(tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "a.png")
    words = ("--rep", "hog", "--rep", "dsift", "--grid", "--out", tmp_path / "out")
    outcome = run("invert", photo, *words, *SMALL[2:], "--size", "80x80")
    assert outcome.status == 0
    assert [line.split()[1] for line in outcome.output[:2]] == ["hog", "dsift"]
    assert outcome.output[2] == f"grid  -> {tmp_path / 'out' / 'a.grid.png'}"
    assert sorted(path.name for path in (tmp_path / "out").glob("*.png")) == [
        "a.dsift.png", "a.grid.png", "a.hog.png",
    ]  # fmt: skip
