"""Components by the keys of a study, and their M over photos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.representations.transformers import encoder
from tests.study_files import save_photos

from preimage.catalog import network
from preimage.preprocessing import Preprocessing
from preimage.representations.hog import HOG
from preimage.representations.layer import Layer
from preimage.studies.components import find_components, measure_maxima
from preimage.targets import Term

LITE0 = network("efficientnet-lite0", weights="random")


def _find(layer: str, **changes: Any) -> list[str]:
    return [str(found) for found in find_components(LITE0.layer(layer), LITE0, **changes)]


def test_the_keys_of_a_study_name_components_each_once() -> None:
    assert _find("blocks.1", channels="all") == [str(index) for index in range(24)]
    assert _find("blocks.1", channels="3,1-3") == ["3", "1", "2"]
    assert _find("blocks.1", channels="5,5", neurons=[(2, 0, 55)]) == ["5", "2:0,55"]
    phi = Layer(encoder(), "encoder", Preprocessing(mean=(127.5,) * 3, size=(32, 64)))
    found = find_components(phi, None, channels="0-1", neurons=[(2, "cls"), (2, 3, 7)])
    assert list(map(str, found)) == ["0", "1", "2:cls", "2:3,7"]
    assert _find("classifier", classes=["goose", "99", "tree frog"]) == ["goose", "tree frog"]


@pytest.mark.parametrize(("layer", "keys", "problem"), [
    ("blocks.1", {"channels": "20-24"}, "channel 24 is not among 0-23"),
    ("blocks.1", {"channels": "a"}, "channels must be like 0-24,31 or all"),
    ("blocks.1", {"neurons": [(2, 0, 56)]}, "position 0, 56 is not on the grid of 56 x 56"),
    ("blocks.1", {"classes": ["goose"]}, "efficientnet-lite0/classifier, not .*blocks.1"),
    ("classifier", {"classes": ["gose"]}, "unknown class 'gose': did you mean 'goose'"),
])  # fmt: skip
def test_what_a_layer_does_not_have_gets_one_clear_line(
    layer: str, keys: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        _find(layer, **keys)


def test_a_descriptor_has_channels_and_no_classes() -> None:
    found = find_components(HOG(), None, channels="all", size=64)
    assert len(found) == 27
    with pytest.raises(ValueError, match="hog has no classes"):
        find_components(HOG(), None, classes=["goose"], size=64)


def test_m_is_the_largest_response_to_any_photo(tmp_path: Path) -> None:
    photos = sorted(save_photos(tmp_path / "photos", 3).iterdir())
    layer = LITE0.layer("stem.conv")
    maxima = measure_maxima(layer, [Term(None, n) for n in range(32)], photos)
    images = torch.stack([layer.preprocessing.load(photo) for photo in photos])
    with torch.no_grad():
        expected = layer(images).amax((0, 2, 3))
    assert maxima == pytest.approx(expected.tolist(), rel=1e-5)


def test_m_is_0_where_no_photo_moves_the_component(tmp_path: Path) -> None:
    photos = sorted(save_photos(tmp_path / "photos", 1).iterdir())
    dead = network("efficientnet-lite0", weights="random")
    with torch.no_grad():
        dead.module.get_submodule("stem.conv").weight[1] = 0  # type: ignore[operator]
    components = [Term(None, n) for n in range(3)]
    maxima = measure_maxima(dead.layer("stem.conv"), components, photos)
    assert [maximum == 0 for maximum in maxima] == [False, True, False]
