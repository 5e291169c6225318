"""`Preprocessing`: sizes and crops as networks prescribe them, and their units."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from preimage.bands import principal_colors
from preimage.images import load_image
from preimage.photo_files import shipped_photos
from preimage.preprocessing import GRAY, Preprocessing
from tests.support import known, random_image

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
    for channel, (mean, std) in enumerate(zip(prescribed.mean, known(prescribed.std), strict=True)):
        expected = (image[channel] - mean) / std
        torch.testing.assert_close(prescribed.to_network(x)[channel], expected)
    assert torch.equal(Preprocessing(mean=(0.0,) * 3).to_network(x), x)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"mean": ()}, r"mean needs a value for each channel, not \(\)"),
        ({"mean": 127.5}, r"mean must be a tuple with a value for each channel, not 127\.5"),
        ({"mean": (np.nan,)}, "mean must be a finite number, not nan"),
        ({"std": (np.inf,)}, "std must be a finite number, not inf"),
        ({"size": 224}, "size must be a height and a width"),
        ({"size": (10**6, 10**6)}, "more than the limit of 64 megapixels"),
        ({"range": (1, 0)}, r"range must be the values of black and white, not \(1, 0\)"),
        ({"range": (0, np.nan)}, "range must be a finite number, not nan"),
        ({"range": 255}, r"range must be \(low, high\), not 255"),
        ({"mean": (900.0,), "range": (0, 1)}, r"mean \(900.0,\) is far outside of the range 0..1"),
        ({"mean": (-300.0,)}, r"far outside of 0..255: declare the values of black and white"),
        ({"bands": (0, 1)}, r"bands must be 1 or 3 channels, not \(0, 1\)"),
        ({"bands": (3,)}, r"bands must be at most 2, not 3"),
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


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ((0.5,) * 3, (1.0,) * 3),
        ((0.5,) * 3, None),
        ((0.0,) * 3, (1.0,) * 3),
        ((0,), (1,)),
        ((0.5,), (128.0,)),
        ((127.5,), (0.25,)),
    ],
)
def test_mean_and_std_that_may_be_of_images_in_0_to_1_are_refused(mean: Any, std: Any) -> None:
    with pytest.raises(ValueError, match=r"images in 0\.\.1: multiply them by 255, or declare"):
        Preprocessing(mean=mean, std=std)


def test_a_network_that_wants_0_to_1_can_be_described_in_two_ways() -> None:
    of_bytes = Preprocessing(mean=(0.0,) * 3, std=(255.0,))
    of_unit = Preprocessing(mean=(0.0,) * 3, std=(1.0,) * 3, range=(0, 1))
    for prescribed in (of_bytes, of_unit):
        given = prescribed.to_network(prescribed.load(CHELSEA))
        torch.testing.assert_close(given, load_image(CHELSEA) / 255)


def test_a_network_that_wants_0_to_255_can_be_described_in_two_ways() -> None:
    free = Preprocessing(mean=(0.0,) * 3)
    declared = Preprocessing(mean=(0.0,) * 3, std=(1.0,) * 3, range=(0, 255))
    for prescribed in (free, declared):
        assert torch.equal(prescribed.to_network(prescribed.load(CHELSEA)), load_image(CHELSEA))


def test_the_units_of_a_declared_range_are_those_of_mean_and_std() -> None:
    hounsfield = np.array([[-1000, -300, 200, 900]], np.int16)
    ct = Preprocessing(mean=(-300.0,), std=(500.0,), range=(-1000, 400))
    given = ct.to_network(ct.load(hounsfield))
    torch.testing.assert_close(given, torch.tensor([[[-1.4, 0.0, 1.0, 1.4]]]))
    assert ct.to_255(ct.load(hounsfield)).round().tolist() == [[[0, 128, 219, 255]]]
    of_photo = ct.to_network(ct.load(CHELSEA))
    assert -1.4 <= of_photo.min() < of_photo.max() <= 1.4


def test_images_of_12_channels_are_shown_by_bands_or_by_principal_components() -> None:
    photo = np.random.default_rng(0).integers(0, 10000, (12, 6, 9), dtype=np.uint16)
    common: dict[str, Any] = {"mean": (1400.0,) * 12, "std": (800.0,), "range": (0, 10000)}
    x = Preprocessing(**common).load(photo)
    torch.testing.assert_close(
        Preprocessing(**common).to_network(x), torch.from_numpy((photo - 1400.0) / 800).float(),
        atol=1e-4, rtol=0,
    )  # fmt: skip
    shown = Preprocessing(**common, bands=(3, 2, 1)).to_display(x)
    np.testing.assert_array_equal(shown, np.moveaxis((photo[[3, 2, 1]] * 0.0255).round(), 0, 2))
    one = Preprocessing(**common, bands=(7,)).to_display(x)
    np.testing.assert_array_equal(one, (photo[7] * 0.0255).round())
    expected = principal_colors(x, x).round().clamp(0, 255).permute(1, 2, 0)
    np.testing.assert_allclose(Preprocessing(**common).to_display(x), expected, atol=1)


def test_numbers_of_numpy_and_lists_are_taken() -> None:
    given = Preprocessing(mean=np.full(3, 120.0), std=[60], size=np.array([8, 9]))  # type: ignore[arg-type]
    assert given == Preprocessing(mean=(120.0,) * 3, std=(60.0,), size=(8, 9))
    assert GRAY.load(CHELSEA, np.int64(96)).shape == (1, 72, 96)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [0, -7, (5, 0), 1.5, True])
def test_a_size_without_pixels_is_refused(size: Any) -> None:
    with pytest.raises(ValueError, match="size must be a side in pixels"):
        GRAY.load(CHELSEA, size)
