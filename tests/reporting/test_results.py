"""Results on disk: the sidecar that makes a picture again."""

from __future__ import annotations

import dataclasses
import json
import math
import platform
from pathlib import Path

import pytest
import torch
from PIL import Image
from tests.support import pixels_of

import preimage
from preimage.photo_files import shipped_photos
from preimage.reporting.results import check_writable, describe, write_result
from preimage.representations.hog import HOG
from preimage.settings import NNPREIMAGE
from preimage.visualizations import PreImage, invert

SHORT = NNPREIMAGE.replace(iterations=3)
CHELSEA = shipped_photos()["chelsea"]


def _result() -> PreImage:
    return invert(HOG(), CHELSEA, size=(32, 40), seeds=(4, 7), loss_weights=20, settings=SHORT)


def test_a_description_holds_all_that_is_known_of_its_image() -> None:
    result = _result()
    assert result.psnr is not None
    assert result.ssim is not None
    described = describe(result, 1, {"input": "a.jpg", "representation": "hog"}, 1.23456)
    assert described.pop("versions") == {
        "preimage": preimage.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
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
        "device": "cpu",
        "threads": 1,
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


def test_a_folder_is_made_and_one_that_cannot_be_is_refused(tmp_path: Path) -> None:
    check_writable(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match=r"File exists|Not a directory"):
            check_writable(folder)
