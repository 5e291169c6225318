"""Codes of reference photos: the same crops under every preprocessing."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from preimage.audit.reference import OWN, encode_reference
from preimage.preprocessing import Preprocessing
from preimage.representations.hog import HOG
from preimage.representations.layer import Layer
from preimage.representations.transformed import Transformed

OWN_MEAN = Preprocessing(mean=(120.0,) * 3, std=(60.0,), size=(16, 24))


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = []
    for n, shape in enumerate([(40, 30, 3), (20, 90, 3)]):
        pixels = np.random.default_rng(n).integers(0, 256, shape, dtype=np.uint8)
        paths.append(tmp_path / f"{n}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths


def _layer() -> Layer:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2), nn.ReLU(), nn.Flatten())
    return Layer(network, "2", OWN_MEAN)


def test_all_preprocessings_see_the_same_crops(photos: list[Path]) -> None:
    layer, done = _layer(), []
    found = encode_reference(
        layer, photos, crops=5, progress=lambda n, all_: done.append((n, all_))
    )
    assert found.photos.tolist() == [0, 0, 0, 1, 1]
    assert str(found) == "5 crops of 2 photos"
    assert list(found.codes) == [OWN, "bgr", "0..1", "0..255", "-1..1", "imagenet"]
    assert all(code.shape == (5, *layer.code_shape(16, 24)) for code in found.codes.values())
    assert done == [(n, 5) for n in range(1, 6)]
    again = encode_reference(Transformed(layer, (), "bgr"), photos, crops=5)
    torch.testing.assert_close(again.codes[OWN], found.codes["bgr"])


def test_every_photo_has_a_crop_and_a_seed_fixes_them(photos: list[Path]) -> None:
    layer = _layer()
    assert encode_reference(layer, photos, crops=1).photos.tolist() == [0, 1]
    one, same, other = (
        encode_reference(layer, photos, crops=4, seed=seed).codes[OWN] for seed in (0, 0, 1)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_classical_representations_have_no_other_preprocessing(photos: list[Path]) -> None:
    assert list(encode_reference(HOG(), photos, crops=2).codes) == [OWN]
