"""Results on disk: the sidecar that makes a picture again."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import pytest
import torch
from PIL import Image
from tests.support import pixels_of

from preimage.photo_files import shipped_photos
from preimage.presets import NNPREIMAGE
from preimage.reporting.results import (
    check_folder,
    check_picture,
    check_writable,
    describe,
    write_result,
)
from preimage.representations.execution import Execution
from preimage.representations.hog import HOG
from preimage.versions import versions
from preimage.visualizations import PreImage, invert

SHORT = NNPREIMAGE.replace(iterations=3)
CHELSEA = shipped_photos()["chelsea"]


def _result() -> PreImage:
    return invert(
        HOG(), CHELSEA, size=(32, 40), seeds=(4, 7), loss_weights=20, settings=SHORT,
        execution=Execution("plain"),
    )  # fmt: skip


def test_a_description_holds_all_that_is_known_of_its_image() -> None:
    result = _result()
    assert result.psnr is not None
    assert result.ssim is not None
    described = describe(result, 1, {"input": "a.jpg", "representation": "hog"}, 1.23456)
    assert described.pop("versions") == versions("cpu")
    assert described == {
        "input": "a.jpg",
        "representation": "hog",
        "seed": 7,
        "loss_weight": 20,
        "image_size": [32, 40],
        "error": float(result.error[1]),
        "psnr": float(result.psnr[1]),
        "ssim": float(result.ssim[1]),
        "energy": float(result.trace.total[-1, 1]),
        "steps": 3,
        "interrupted": False,
        "seconds": 1.235,
        "settings": dataclasses.asdict(SHORT),
        "ran": {
            "network": None,
            "mode": "eager",
            "precision": "float32",
            "recomputed": False,
            "at_once": 2,
            "fallback": None,
        },
    }


def test_what_is_unknown_or_infinite_is_null() -> None:
    result = dataclasses.replace(_result(), psnr=torch.tensor([math.inf, math.nan]), ssim=None)
    for index in (0, 1):
        described = json.loads(json.dumps(describe(result, index, {}, 1), allow_nan=False))
        assert described["psnr"] is None
        assert described["ssim"] is None


def test_a_picture_is_written_beside_its_sidecar_and_nothing_else(tmp_path: Path) -> None:
    image = Image.new("L", (3, 2), 7)
    write_result(image, tmp_path / "a.png", {"seed": 1})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "a.png"]
    assert pixels_of(tmp_path / "a.png").tolist() == [[7, 7, 7]] * 2
    assert json.loads((tmp_path / "a.json").read_text()) == {"seed": 1}


def test_a_picture_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises((OSError, ValueError)):
        write_result(Image.new("L", (3, 2)), tmp_path / "a.xbm", {})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_made_with_its_first_result_and_not_before(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    check_writable(folder)
    assert list(tmp_path.iterdir()) == []
    write_result(Image.new("L", (3, 2)), folder / "a.png", {})
    assert sorted(path.name for path in folder.iterdir()) == ["a.json", "a.png"]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for folder in (file, file / "below"):
        with pytest.raises(OSError, match="is a file, not a folder") as caught:
            check_writable(folder)
        assert caught.value.filename == str(file)


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "tif", "bmp", "gif", "pdf"])
def test_every_ending_that_is_offered_can_be_written(ending: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"a picture ends in .*\.{ending}"):
        check_picture(tmp_path / "a.pgn")
    check_picture(tmp_path / f"a.{ending}")
    for mode in ("L", "RGB"):
        write_result(Image.new(mode, (3, 2)), tmp_path / f"a.{ending}", {})


def test_a_folder_that_is_called_as_files_are_is_refused_unless_it_is_there(tmp_path: Path) -> None:
    for name in ("run.1", "v0.2", "plain"):
        check_folder(tmp_path / name)
    with pytest.raises(ValueError, match=r"fig8\.png is the name of a file: give a folder"):
        check_folder(tmp_path / "fig8.png")
    (tmp_path / "fig8.png").mkdir()
    check_folder(tmp_path / "fig8.png")
