"""What a result knows, how it is shown, and that it survives being saved."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.support import known, pixels_of
from tests.visualizations.networks import color_network
from torch import Tensor

from preimage.images import stretch_contrast
from preimage.masks import Mask
from preimage.objective import Energy
from preimage.photo_files import shipped_photos
from preimage.presets import NNPREIMAGE
from preimage.representations.code_grid import CodeGrid
from preimage.representations.execution import Execution
from preimage.representations.hog import HOG
from preimage.versions import versions
from preimage.visualizations import DeadTargetWarning, PreImage, caricature, invert, maximize

CHELSEA = shipped_photos()["chelsea"]
SHORT = NNPREIMAGE.replace(iterations=3, final_iterations=1)
FEATURES = color_network().layer("features")


@pytest.fixture(scope="module")
def inverted() -> PreImage:
    return invert(
        HOG(), CHELSEA, size=(32, 40), seeds=(4, 7), loss_weight=20, settings=SHORT,
        execution=Execution("plain"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def masked() -> PreImage:
    photos = list(shipped_photos().values())[:2]
    return invert(FEATURES, photos, seeds=[0, 1], mask=Mask(window=3), settings=SHORT)


@pytest.fixture(scope="module")
def maximized() -> PreImage:
    with pytest.warns(DeadTargetWarning, match="the response of 4"):
        return maximize(FEATURES, [0, 4, 3], seeds=[5, 6], settings=SHORT, snapshot_every=2)


def test_a_description_holds_all_that_is_known_of_a_result(inverted: PreImage) -> None:
    described = inverted.describe(1)
    assert described.pop("versions") == versions("cpu")
    assert described.pop("seconds") == round(inverted.seconds, 3)
    assert described == {
        "visualization": "invert",
        "representation": "hog",
        "seed": 7,
        "loss_weight": 20,
        "size": [32, 40],
        "image_size": [32, 40],
        "error": float(known(inverted.error)[1]),
        "psnr": float(known(inverted.psnr)[1]),
        "ssim": float(known(inverted.ssim)[1]),
        "energy": float(inverted.trace.total[-1, 1]),
        "steps": 3,
        "interrupted": False,
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


def test_a_description_of_a_maximization_tells_its_target_and_m(maximized: PreImage) -> None:
    described = maximized.describe(2)
    assert (described["target"], described["reference"]) == ("3", "9 photos")
    assert described["maximum"] == known(maximized.maxima)[2]
    assert described["response"] == float(known(maximized.response)[2])
    assert described["strength"] == 1
    assert described["size"] is None
    assert not {"error", "psnr", "ssim", "mask"} & set(described)


def test_a_description_of_a_caricature_tells_its_strength() -> None:
    described = caricature(FEATURES, CHELSEA, settings=SHORT).describe()
    assert (described["visualization"], described["strength"]) == ("caricature", 10)
    assert described["response"] > 0


def test_what_is_unknown_or_infinite_is_null(inverted: PreImage) -> None:
    result = dataclasses.replace(inverted, psnr=torch.tensor([math.inf, math.nan]), ssim=None)
    for index in (0, 1):
        described = json.loads(json.dumps(result.describe(index), allow_nan=False))
        assert described["psnr"] is None
        assert described["ssim"] is None


def test_what_does_not_apply_is_none(inverted: PreImage, maximized: PreImage) -> None:
    for name in ("response", "mask", "targets", "maxima", "reference", "dead", "box"):
        assert getattr(inverted, name) is None, name
    for name in ("error", "psnr", "ssim", "originals", "mask"):
        assert getattr(maximized, name) is None, name


def test_it_keeps_the_photo_of_each_result(masked: PreImage) -> None:
    photos = [FEATURES.preprocessing.load(path) for path in list(shipped_photos().values())[:2]]
    expected = torch.stack([photos[0], photos[0], photos[1], photos[1]])
    assert torch.equal(known(masked.originals), expected)


def test_a_masked_result_knows_what_its_mask_sees(masked: PreImage) -> None:
    gradient = torch.zeros(1, 3, 24, 24, requires_grad=True)
    codes = FEATURES(gradient)
    kept = codes * known(Mask(window=3).to_tensor(CodeGrid.from_shape(tuple(codes.shape[1:]))))
    (seen,) = torch.autograd.grad(kept.sum(), gradient)
    rows, columns = seen[0].abs().sum(0).nonzero().T
    assert known(masked.box) == (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
    assert masked.describe()["mask"] == {"window": 3}


def test_a_mask_that_was_given_as_a_tensor_is_described_by_its_size(tmp_path: Path) -> None:
    photos = list(shipped_photos().values())[:2]
    mask = torch.ones(2, 5, 11, 11)
    mask[1, 2:] = 0
    result = invert(FEATURES, photos, seeds=[0, 1], mask=mask, settings=SHORT)
    assert [one.describe()["mask"]["kept"] for one in result] == [605, 605, 242, 242]
    kept = result[2].mask
    assert isinstance(kept, Tensor)
    assert torch.equal(kept, mask[1:])
    result.save(tmp_path / "a.npz")
    assert _same(PreImage.load(tmp_path / "a.npz"), result)


def test_a_part_of_a_maximization_is_shown_and_its_snapshots_likewise(maximized: PreImage) -> None:
    top, left, bottom, right = known(maximized.box)
    cut = maximized.images[..., top:bottom, left:right]
    assert torch.equal(maximized.shown, stretch_contrast(cut, 80))
    step, images = maximized.snapshots[0]
    assert images.shape == maximized.images.shape
    assert maximized.display(images).shape == maximized.shown.shape
    (frame_step, pictures), *_ = maximized.frames()
    assert (frame_step, len(pictures)) == (step, 4)
    assert pictures[0].size == maximized.to_pil().size == (3, 3)


def _same(one: PreImage, other: PreImage) -> bool:
    for field in dataclasses.fields(PreImage):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if not _equal(a, b):
            return False
    return True


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor):
        return isinstance(b, Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, Energy):
        return all(_equal(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    if isinstance(a, tuple) and type(a) is type(b) and len(a) == len(b):
        return all(_equal(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b) and type(a) is type(b)


def test_one_of_the_results_is_a_result(maximized: PreImage) -> None:
    alone = maximized[2]
    assert len(alone) == 1
    assert alone.describe() == maximized.describe(2)
    assert torch.equal(alone.images, maximized.images[2:3])
    assert torch.equal(alone.snapshots[0][1], maximized.snapshots[0][1][2:3])
    assert _same(maximized[-1], maximized[3])
    with pytest.raises(IndexError):
        maximized[4]


def test_results_can_be_sliced_and_iterated_over(masked: PreImage) -> None:
    assert [one.seeds for one in masked] == [(0,), (1,), (0,), (1,)]
    assert masked[1:3].sources == (0, 1)
    assert _same(masked[:], masked)
    assert [one.describe()["mask"] for one in masked[2:]] == [masked.describe()["mask"]] * 2


@pytest.mark.parametrize("name", ["inverted", "masked", "maximized"])
def test_what_is_saved_exactly_is_loaded_bit_for_bit(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    result: PreImage = request.getfixturevalue(name)
    result.save(tmp_path / "all.npz")
    again = PreImage.load(tmp_path / "all.npz")
    assert _same(again, result)
    assert again.describe(1) == result.describe(1)
    assert [path.name for path in tmp_path.iterdir()] == ["all.npz"]


def test_a_picture_is_saved_with_its_description(maximized: PreImage, tmp_path: Path) -> None:
    maximized.save(tmp_path / "new" / "a.png", 2, input="channel 3")
    assert np.array_equal(pixels_of(tmp_path / "new" / "a.png"), np.asarray(maximized.to_pil(2)))
    told = json.loads((tmp_path / "new" / "a.json").read_text())
    assert told == json.loads(json.dumps(maximized.describe(2) | {"input": "channel 3"}))


def test_a_picture_of_several_results_shows_them_all(maximized: PreImage, tmp_path: Path) -> None:
    maximized.save(tmp_path / "all.png", input="noise")
    assert np.array_equal(pixels_of(tmp_path / "all.png"), np.asarray(maximized.grid()))
    told = json.loads((tmp_path / "all.json").read_text())
    expected = [maximized.describe(n) | {"input": "noise"} for n in range(4)]
    assert told == json.loads(json.dumps(expected))


def test_the_picture_of_a_single_result_has_no_words(maximized: PreImage, tmp_path: Path) -> None:
    maximized[2].save(tmp_path / "one.png")
    maximized.save(tmp_path / "third.png", 2)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "third.png").read_bytes()
    assert (
        json.loads((tmp_path / "one.json").read_text())["target"] == maximized.describe(2)["target"]
    )


def test_a_result_is_saved_as_it_is_shown(inverted: PreImage, tmp_path: Path) -> None:
    inverted.save(tmp_path / "b.png", 1)
    expected = (inverted.shown[1, 0] + 127.5).round().clamp(0, 255)
    np.testing.assert_array_equal(pixels_of(tmp_path / "b.png"), expected.numpy())
    assert inverted.shown.std() == pytest.approx(80 / math.sqrt(3), rel=0.01)


def test_a_result_shows_itself_in_a_line(inverted: PreImage, maximized: PreImage) -> None:
    assert repr(inverted).startswith("PreImage(invert hog; 2 of (1, 32, 40); error ")
    assert repr(maximized).startswith("PreImage(maximize colors/features; 4 of (3, 8, 8); response")
    missed = sum(known(maximized.below_maximum))
    above = dataclasses.replace(maximized, maxima=(-1e9,) * 4)
    assert f"; {missed} below M: more steps?" in repr(maximized)
    assert "below M" not in repr(above)
