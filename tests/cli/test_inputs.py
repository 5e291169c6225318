"""Inputs: bad ones get a clear line and status 2, and the others are done."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.cli.runner import SMALL, npy, run, save_photo
from tests.support import pixels_of, png_header


def _truncated() -> bytes:
    file = io.BytesIO()
    Image.effect_noise((64, 64), 80).save(file, "JPEG")
    return file.getvalue()[:1500]


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _code(*shape: int, value: float = 0.1) -> np.ndarray:
    code = np.full(shape, 0.1, np.float32)
    code.flat[5] = value
    return code


BAD_FILES = {
    "text.png": (b"these are words", "not an image that Pillow can open"),
    "empty.png": (b"", "not an image that Pillow can open"),
    "truncated.jpg": (_truncated(), "damaged or truncated image"),
    "cut.png": (png_header(64, 64)[:20], "truncated"),
    "bomb.png": (png_header(10_000, 10_000), "100 megapixels, more than the limit of 64"),
    "huge.png": (png_header(30_000, 30_000), "more than the limit of 64 megapixels"),
    "tiny.png": (_png(Image.effect_noise((3, 2), 80)), "hog .* needs an image of at least 4 x 4"),
    "flat.png": (_png(Image.new("L", (40, 40), 7)), "the target code is zero"),
    "nan.npy": (npy(_code(27, 4, 4, value=np.nan)), "the code holds NaN or infinite values"),
    "inf.npy": (npy(_code(27, 4, 4, value=np.inf)), "the code holds NaN or infinite values"),
    "zero.npy": (npy(np.zeros((27, 4, 4))), "the target code is zero"),
    "shape.npy": (npy(_code(31, 4, 4)), r"code of shape \(27, 4, 4\), not \(31, 4, 4\)"),
    "flat.npy": (npy(_code(27, 4)), "a code of hog has at least 3 axes, not 2"),
    "none.npy": (npy(_code(1, 27, 4, 4)[:0]), "no code was given"),
    "text.npy": (b"these are words", "not an array of numbers saved by numpy.save"),
    "empty.npy": (b"", "not an array of numbers saved by numpy.save"),
    "words.npy": (npy(np.array(["words"])), "not an array of real numbers"),
    "objects.npy": (npy(np.array([{}], dtype=object)), "not an array of numbers saved by numpy"),
    "complex.npy": (npy(_code(27, 4, 4) * 1j), "not an array of real numbers"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_gets_one_clear_line_and_status_2(name: str, tmp_path: Path) -> None:
    data, problem = BAD_FILES[name]
    bad, out = tmp_path / name, tmp_path / "out"
    bad.write_bytes(data)
    outcome = run("invert", bad, "--rep", "hog", "--out", out, "--steps", "3")
    assert outcome.status == 2
    assert outcome.output == []
    assert len(outcome.errors) == 1
    assert outcome.errors[0].startswith(f"error: {bad}: ")
    assert re.search(problem, outcome.errors[0])
    assert not out.exists()


def test_dsift_names_the_size_that_it_needs(tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "a.png", size=(24, 40))
    outcome = run("invert", photo, "--rep", "dsift", "--out", tmp_path / "out")
    assert outcome.status == 2
    assert outcome.errors == [
        f"error: {photo}: dsift with cells of 8 pixels needs an image of at least 25 x 25 pixels, "
        "not 24 x 40"
    ]


def test_in_a_batch_the_good_ones_are_done_and_all_failures_are_listed(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    bad = [folder / name for name in sorted(BAD_FILES) if not name.endswith(".npy")]
    for path in bad:
        path.write_bytes(BAD_FILES[path.name][0])
    good = [save_photo(folder / f"{letter}.png", seed) for seed, letter in enumerate("az")]
    codes = [tmp_path / name for name in sorted(BAD_FILES) if name.endswith(".npy")]
    for path in codes:
        path.write_bytes(BAD_FILES[path.name][0])
    gone, out = tmp_path / "gone.png", tmp_path / "out"
    outcome = run(
        "invert", gone, folder, *codes, "--rep", "hog", "--out", out, "--steps", "3", "--json"
    )
    assert outcome.status == 2
    assert [json.loads(line)["input"] for line in outcome.output] == [str(path) for path in good]
    assert [line.split(": ")[1] for line in outcome.errors] == [
        str(path) for path in [gone, *bad, *codes]
    ]
    assert sorted(path.name for path in out.glob("*.png")) == ["a.hog.png", "z.hog.png"]


def test_missing_and_empty_inputs_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for source, problem in (
        (tmp_path / "gone.png", f"{tmp_path / 'gone.png'}: No such file or directory"),
        (tmp_path / "empty", f"{tmp_path / 'empty'}: no images in this folder"),
        ("-", "-: not an image that Pillow can open"),
    ):
        outcome = run("invert", source, "--rep", "hog", "--out", tmp_path / "out", data=b"")
        assert outcome.status == 2
        assert outcome.errors == [f"error: {problem}"]


def test_a_size_larger_than_memory_is_refused(tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "a.png")
    arguments = ("--rep", "hog", "--out", tmp_path / "out", "--size", "30000000x30000000")
    outcome = run("invert", photo, *arguments)
    assert outcome.status == 2
    assert len(outcome.errors) == 1
    assert "more than the limit of 64 megapixels" in outcome.errors[0]


def test_standard_input_is_an_image(tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "a.png")
    for source, data in ((str(photo), None), ("-", photo.read_bytes())):
        arguments = ("--rep", "hog", "--out", tmp_path / "out", *SMALL)
        assert run("invert", source, *arguments, data=data).status == 0
    from_file, from_input = (
        pixels_of(tmp_path / "out" / f"{stem}.hog.png") for stem in ("a", "stdin")
    )
    np.testing.assert_array_equal(from_input, from_file)


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


def test_a_photo_is_decoded_once_for_all_layers_its_pictures_and_its_grid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, out = save_photo(tmp_path / "a.png", size=(64, 64)), tmp_path / "out"
    opened: list[object] = []
    original = Image.open

    def count(file: Any, *arguments: Any, **named: Any) -> Image.Image:
        opened.append(file)
        return original(file, *arguments, **named)

    monkeypatch.setattr(Image, "open", count)
    options = ("--weights", "random", "--steps", "2", "--size", "64x64", "--grid", "--json")
    layers = ("--layers", "conv1,relu2,conv3")
    outcome = run("invert", photo, "--rep", "alexnet", *layers, *options, "--out", out)
    assert (outcome.status, len(outcome.output)) == (0, 3)
    assert len(opened) == 1
