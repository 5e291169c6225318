"""Bad options and names: one clear line on standard error, exit status 2."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.runner import SMALL, run, save_photo

from preimage.cli.errors import clear_errors
from preimage.cli.inputs import read_inputs

RANDOM = ("--weights", "random", "--steps", "2", "--size", "64x64")


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
        (("--rep", "hog", "--out", "a.png/out"), "a.png: is a file, not a folder"),
        (("--rep", "hog", "--out", "a.png/b.png"), "a.png: is a file, not a folder"),
        (("--rep", "hog", "--out", "NOTES"), "NOTES: is a file, not a folder"),
        (("--rep", "hog", "--out", "NOTES.md"), "cannot write NOTES.md: a picture ends in .png"),
        (("--rep", "hog", "--out", "x.pgn"), "cannot write x.pgn: a picture ends in .png, .jpg"),
        (("--rep", "hog", "--out", "x.mp4"), "cannot write x.mp4: a picture ends in .png, .jpg"),
        (("--rep", "hog", "--loss-weight", "inf"), "loss_weight must be a finite number, not inf"),
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--rep", "vgg-n/conv4"), "did you mean 'vgg-"),
        (("--rep", "vgg-m"), "name one of its layers"),
        (("--rep", "alexnet/conv9", *RANDOM), "conv5"),
        (("--rep", "alexnet", "--layers", "conv1,relu9", *RANDOM), "relu"),
        (("--rep", "alexnet/conv1", "--weights", "gone.mat"), "gone.mat: no such file"),
        (("--rep", "matconvnet:gone.mat/conv1"), "gone.mat: no such file"),
        (("--rep", "nowhere:resnet50/layer3"), "nowhere"),
        (("--rep", "import:preimage.nothing/conv1"), "nothing"),
        (("--rep", "hog", "--channels", "one"), "channels must be like 0-24,31"),
    ],
)
def test_bad_names_get_one_clear_line_and_status_2(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    photo = save_photo(tmp_path / "a.png")
    outcome = run("invert", photo, *arguments, "--out", tmp_path / "out")
    assert outcome.status == 2
    (line,) = outcome.errors
    assert message in line


def test_a_missing_weight_file_names_the_command_that_fetches_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path))
    photo = save_photo(tmp_path / "a.png")
    outcome = run("invert", photo, "--rep", "vgg-m/conv4", "--out", tmp_path / "out")
    assert outcome.status == 2
    (line,) = outcome.errors
    assert "preimage fetch vgg-m" in line


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "a.png")
    (tmp_path / "bad.mat").write_bytes(b"MATLAB 5.0 MAT-file" + bytes(200))
    rep = f"matconvnet:{tmp_path / 'bad.mat'}/conv1"
    outcome = run("invert", photo, "--rep", rep, "--out", tmp_path / "out")
    assert outcome.status == 2
    (line,) = outcome.errors
    assert "bad.mat" in line
    assert "damaged" in line


_PICKY = """
import torch

class Picky(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.behind = torch.nn.Conv2d(3, 4, 3), torch.nn.Identity()

    def forward(self, x, text=None):
        return self.behind(self.conv(x) + text["hello"])

def make():
    return Picky(), {"size": (32, 32)}
"""


@pytest.mark.parametrize(
    "command",
    [
        ("invert", "a.png", "--rep", "import:picky.make/behind"),
        ("maximize", "import:picky.make/behind", "--channels", "0"),
        ("caricature", "a.png", "--rep", "import:picky.make/behind"),
        ("stats", "import:picky.make/behind", "--images", "a.png"),
    ],
    ids=lambda command: command[0],
)
def test_what_a_network_raises_is_one_line_and_everything_on_demand(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save_photo(tmp_path / "a.png")
    (tmp_path / "picky.py").write_text(_PICKY)
    outcome = run(*command)
    assert outcome.status == 2
    (line,) = outcome.errors
    assert line.startswith("error: ")
    assert "import:picky.make fails at or before layer behind, given 1 x 3 x 32 x 32 values" in line
    words = "TypeError: 'NoneType' object is not subscriptable"
    assert line.endswith(
        f"{words}; preimage.check (`preimage check`) shows what the network is fit for"
    )
    for arguments in (("--traceback", *command), (*command, "--traceback")):
        shown = run(*arguments)
        assert shown.status == 2
        assert shown.errors[-1] == line
        assert any('picky.py", line 10, in forward' in text for text in shown.errors)
    assert run(*command).errors == [line]


def test_an_output_that_nobody_reads_is_no_error_of_a_file() -> None:
    with pytest.raises(BrokenPipeError), clear_errors():
        raise BrokenPipeError


def test_a_closed_standard_input_is_an_input_that_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert read_inputs(["-"]) == ([], ["-: standard input is closed"])


def test_a_cache_folder_of_an_unknown_user_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREIMAGE_CACHE", "~nobodyx/y")
    outcome = run("models")
    assert outcome.status == 2
    (line,) = outcome.errors
    assert line.startswith("error: PREIMAGE_CACHE names the folder ~nobodyx/y, but there is no")


@pytest.mark.filterwarnings("error")
def test_a_warning_that_python_makes_an_error_is_one_line(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((40, 48), dtype=np.float32) * 7 - 1
    Image.fromarray(values).save(tmp_path / "float.tif")
    outcome = run("invert", tmp_path / "float.tif", "--rep", "hog", "--out", tmp_path / "o", *SMALL)
    assert outcome.status == 2
    (line,) = outcome.errors
    assert line.startswith(f"error: {tmp_path / 'float.tif'}: values from -0.99")
