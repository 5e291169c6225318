"""`Preprocessing`: sizes and crops as networks prescribe them, and their units."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from preimage.images import load_image
from preimage.photo_files import shipped_photos
from preimage.preprocessing import GRAY, Preprocessing
from tests.support import random_image

CHELSEA = shipped_photos()["chelsea"]
RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def pillow(height: int, width: int, interpolation: str) -> np.ndarray:
    with Image.open(CHELSEA) as image:
        resized = image.convert("RGB").resize((width, height), RESAMPLING[interpolation])
    return np.asarray(resized).astype(float).transpose(2, 0, 1)


@pytest.mark.parametrize("interpolation", RESAMPLING)
def test_the_whole_photo_is_resized_as_pillow_does_it(interpolation: str) -> None:
    prescribed = Preprocessing(mean=(0.0,) * 3, size=(90, 70), interpolation=interpolation)
    found = prescribed.load(CHELSEA).numpy()
    np.testing.assert_array_equal(found, found.round())
    np.testing.assert_allclose(found, pillow(90, 70, interpolation), atol=1)


def test_the_center_of_the_photo_is_cropped_where_the_shorter_side_is_resized() -> None:
    prescribed = Preprocessing(
        mean=(0.0,) * 3, size=(111, 100), resize=128, interpolation="bicubic"
    )
    expected = pillow(128, 170, "bicubic")[:, 8:119, 35:135]
    np.testing.assert_allclose(prescribed.load(CHELSEA), expected, atol=1)


@pytest.mark.parametrize("tall", [False, True])
@pytest.mark.parametrize("size", [(224, 224), (97, 128)])
def test_size_and_crop_are_those_of_torchvision(size: tuple[int, int], tall: bool) -> None:
    transforms = pytest.importorskip("torchvision.transforms", exc_type=ImportError)
    with Image.open(CHELSEA) as file:
        image = file.convert("RGB").rotate(90 if tall else 0, expand=True)
    pipeline = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(size)])
    expected = np.asarray(pipeline(image)).transpose(2, 0, 1)
    found = Preprocessing(mean=(0.0,) * 3, size=size, resize=256).load(image)
    np.testing.assert_allclose(found, expected, atol=1)


def test_a_size_that_the_caller_names_overrides_what_is_prescribed() -> None:
    prescribed = Preprocessing(mean=(0.0,) * 3, size=(50, 50), resize=60)
    free = Preprocessing(mean=(0.0,) * 3)
    assert torch.equal(prescribed.load(CHELSEA, (30, 20)), free.load(CHELSEA, (30, 20)))
    assert prescribed.load(CHELSEA, 96).shape == (3, 72, 96)


def test_without_a_size_a_photo_is_left_as_it_is() -> None:
    assert torch.equal(GRAY.load(CHELSEA), GRAY.to_core(load_image(CHELSEA)))


def test_the_network_is_given_rgb_minus_mean_over_std() -> None:
    prescribed = Preprocessing(mean=(120.0, 110.0, 100.0), std=(60.0, 50.0, 40.0))
    image = random_image(3, 4, 5) + 127.5
    x = prescribed.to_core(image)
    for channel, (mean, std) in enumerate(zip(prescribed.mean, prescribed.std, strict=True)):
        expected = (image[channel] - mean) / std
        torch.testing.assert_close(prescribed.to_network(x)[channel], expected)
    assert torch.equal(Preprocessing(mean=(0.0,) * 3).to_network(x), x)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"mean": (1.0, 2.0)}, "mean needs 1 or 3 values"),
        ({"std": (1.0, 2.0)}, "std needs 1 or 3 positive values"),
        ({"std": (0.0,)}, "std needs 1 or 3 positive values"),
        ({"size": (0, 5)}, "size must be a height and a width"),
        ({"resize": 5}, "resize 5 needs a size no larger, not None"),
        ({"resize": 5, "size": (6, 6)}, r"resize 5 needs a size no larger, not \(6, 6\)"),
        ({"interpolation": "nearest"}, "must be bilinear or bicubic, not 'nearest'"),
    ],
)
def test_values_out_of_range_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Preprocessing(**{"mean": (0.0,) * 3, **values})


def test_a_mean_for_images_in_0_to_1_is_refused() -> None:
    with pytest.raises(ValueError, match=r"images in 0\.\.1: multiply them by 255"):
        Preprocessing(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
