"""Bad input: one clear line on standard error, exit status 2, and the others are done."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.runner import SMALL, npy, run, save_photo
from tests.support import png_header


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


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--rep", "hug"), "unknown representation 'hug': did you mean 'hog'?"),
        (("--rep", "xyz"), "unknown representation 'xyz': there are hog, hogb, dsift"),
        (("--rep", "hog", "--preset", "papper"), "unknown preset 'papper': did you mean 'paper'"),
        (("--rep", "hog", "--size", "big"), "size must be like 320 or 240x320"),
        (("--rep", "hog", "--size", "0"), "size must be like 320 or 240x320"),
        (("--rep", "hog", "--size", "1x2x3"), "size must be like 320 or 240x320"),
        (("--rep", "hog", "--size", "²"), "size must be like 320 or 240x320"),
        (("--rep", "hog", "--device", "toaster"), "device 'toaster': "),
        (("--rep", "hog", "--seeds", "2", "--out", "x.png"), "x.png is one file, for 2 pictures"),
        (("--rep", "hog", "--out", "a.png/out"), "a.png: is a file, not a folder"),
        (("--rep", "hog", "--out", "a.png/b.png"), "a.png: is a file, not a folder"),
        (("--rep", "hog", "--out", "NOTES"), "NOTES: is a file, not a folder"),
        (("--rep", "hog", "--out", "NOTES.md"), "cannot write NOTES.md: a picture ends in .png"),
        (("--rep", "hog", "--out", "x.pgn"), "cannot write x.pgn: a picture ends in .png, .jpg"),
        (("--rep", "hog", "--out", "x.mp4"), "cannot write x.mp4: a picture ends in .png, .jpg"),
        (("--rep", "hog", "--loss-weight", "inf"), "not finite at step 1"),
    ],
)
def test_a_bad_option_gets_one_clear_line_and_status_2(
    arguments: tuple[str, ...], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save_photo(tmp_path / "a.png")
    for name in ("NOTES", "NOTES.md"):
        (tmp_path / name).write_text("")
    outcome = run("invert", "a.png", *arguments, *(() if "--size" in arguments else SMALL))
    assert outcome.status == 2
    assert outcome.output == []
    assert len(outcome.errors) == 1
    assert outcome.errors[0].startswith("error: ")
    assert problem in outcome.errors[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["NOTES", "NOTES.md", "a.png"]


def test_a_picture_that_pillow_cannot_write_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preimage.invert", None)
    photo, out = save_photo(tmp_path / "a.png"), tmp_path / "out.psd"
    outcome = run("invert", photo, "--rep", "hog", "--out", out)
    assert outcome.status == 2
    assert len(outcome.errors) == 1
    assert f"cannot write {out}" in outcome.errors[0]


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
