"""Loading of everything that Pillow opens, and what is refused."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from preimage import images as preimage_images
from preimage.decoding import ImageError, ImageLike
from preimage.images import (
    fit_within,
    load_image,
    psnr,
    resize_image,
    ssim,
    stack_images,
)
from preimage.photo_files import shipped_photos
from preimage.preprocessing import GRAY, Preprocessing
from tests.support import encoded, pixels_of, png_header, random_image

RGB = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
CHELSEA = shipped_photos()["chelsea"]


def _pixels(image: torch.Tensor) -> np.ndarray:
    """A loaded image (D, H, W) as (H, W, D)."""
    return image.permute(1, 2, 0).numpy()


def test_a_path_a_file_a_pil_image_an_array_and_a_tensor_give_the_same_image() -> None:
    array = pixels_of(CHELSEA)
    expected = torch.from_numpy(array.astype(np.float32)).permute(2, 0, 1)
    sources: list[ImageLike] = [
        CHELSEA,
        str(CHELSEA),
        io.BytesIO(CHELSEA.read_bytes()),
        Image.open(CHELSEA),
        array,
        torch.from_numpy(array.copy()).permute(2, 0, 1),
    ]
    for source in sources:
        assert torch.equal(load_image(source), expected)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floating_point_is_0_to_1(dtype: type[np.floating]) -> None:
    values = np.array([[0, 0.25, 1]], dtype)
    assert load_image(values).tolist() == [[[0, 63.75, 255]]]
    assert load_image(torch.from_numpy(values)).tolist() == [[[0, 63.75, 255]]]


def test_integers_run_to_255_or_65535_and_booleans_are_black_and_white() -> None:
    assert load_image(np.array([[0, 128, 255]], np.uint8)).tolist() == [[[0, 128, 255]]]
    sixteen = load_image(np.array([[0, 257, 65535]], np.uint16))
    torch.testing.assert_close(sixteen, torch.tensor([[[0.0, 1.0, 255.0]]]))
    assert load_image(np.array([[False, True]])).tolist() == [[[0, 255]]]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_is_applied(orientation: int) -> None:
    # Table of the EXIF standard: where row 0 and column 0 of the stored image are to be seen.
    turned = {
        1: RGB, 2: RGB[:, ::-1], 3: RGB[::-1, ::-1], 4: RGB[::-1],
        5: RGB.swapaxes(0, 1), 6: np.rot90(RGB, -1), 7: np.rot90(RGB, 2).swapaxes(0, 1),
        8: np.rot90(RGB),
    }  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = encoded(Image.fromarray(RGB), "PNG", exif=exif)
    np.testing.assert_array_equal(_pixels(load_image(file)), turned[orientation])


def _over_white(alpha: np.ndarray) -> np.ndarray:
    """RGB with this alpha, laid over white."""
    share = alpha[..., None] / 255
    return share * RGB + (1 - share) * 255


def test_transparency_is_laid_over_white() -> None:
    alpha = np.random.default_rng(1).integers(0, 256, (6, 9), dtype=np.uint8)
    image = Image.fromarray(np.dstack([RGB, alpha]))
    loaded = load_image(encoded(image, "PNG"))
    np.testing.assert_allclose(_pixels(loaded), _over_white(alpha), atol=1)


def test_gray_with_transparency_is_laid_over_white() -> None:
    image = Image.fromarray(np.array([[[80, 0], [80, 255]]], np.uint8), "LA")
    assert load_image(encoded(image, "PNG"))[0].tolist() == [[255, 80]]


def test_the_transparent_entry_of_a_palette_is_white() -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    image.putdata([0, 1, 2])
    loaded = load_image(encoded(image, "PNG", transparency=1))
    assert _pixels(loaded)[0].tolist() == [[10, 20, 30], [255, 255, 255], [70, 80, 90]]


def test_the_transparent_color_of_a_gray_png_is_white() -> None:
    image = Image.fromarray(np.array([[10, 20]], np.uint8))
    loaded = load_image(encoded(image, "PNG", transparency=10))
    assert loaded[0].tolist() == [[255, 20]]


def test_gray_stays_one_channel_and_1_bit_becomes_black_and_white() -> None:
    gray = Image.fromarray(RGB[..., 0])
    np.testing.assert_array_equal(_pixels(load_image(encoded(gray, "PNG")))[..., 0], RGB[..., 0])
    bits = Image.fromarray(RGB[..., 0] > 127)
    assert bits.mode == "1"
    loaded = load_image(encoded(bits, "PNG"))
    np.testing.assert_array_equal(_pixels(loaded)[..., 0], 255.0 * (RGB[..., 0] > 127))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_gray_keeps_its_range_and_precision(kind: str) -> None:
    values = np.array([[0, 1000, 65535]], np.uint16)
    loaded = load_image(encoded(Image.fromarray(values), kind))
    np.testing.assert_allclose(loaded[0], values / 257, rtol=1e-6)


def test_cmyk_becomes_rgb() -> None:
    image = Image.new("CMYK", (2, 2), (0, 255, 255, 0))
    assert _pixels(load_image(encoded(image, "TIFF")))[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((4, 4, 2)), r"\(H, W\), \(H, W, 1\) or \(H, W, 3\), not of shape \(4, 4, 2\)"),
        (np.zeros(4), "not of shape"),
        (np.zeros((0, 4)), "not of shape"),
        (torch.zeros(2, 1, 4, 4), r"\(3 or 1, H, W\), not of shape \(2, 1, 4, 4\)"),
        (np.full((2, 2), np.nan), "NaN or infinite"),
        (np.full((2, 2), np.inf), "NaN or infinite"),
        (np.full((2, 2), 128.0), r"must be 0..1 \(floating point\).*, not 128 to 128"),
        (np.array([[-0.5, 1.0]]), "not -0.5 to 1"),
        (np.array([[-1, 100]], np.int16), "not -1 to 100"),
        (np.zeros((2, 2), complex), "cannot be made of complex128"),
    ],
)
def test_arrays_that_are_no_image_are_refused(
    array: np.ndarray | torch.Tensor, message: str
) -> None:
    with pytest.raises(ImageError, match=message):
        load_image(array)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint32])
def test_wide_integers_are_refused_because_their_range_is_anyones_guess(
    dtype: type[np.integer],
) -> None:
    with pytest.raises(ImageError, match=r"have no defined range: use uint8 \(0..255\) or uint16"):
        load_image(np.array([[0, 255]], dtype))


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ([[0.1, 0.5, 0.9]], 0, 1),
        ([[0, 127.5, 255]], 0, 255),
        ([[-3, 500, 1000]], -3, 1000),
    ],
)
def test_a_floating_point_file_has_the_range_of_its_values_and_a_warning_says_so(
    values: list[list[float]], low: float, high: float, tmp_path: Path
) -> None:
    array = np.array(values, np.float32)
    Image.fromarray(array).save(tmp_path / "a.tif")
    message = rf"a\.tif: values from .*: black is taken as {low} and white as {high}"
    with pytest.warns(UserWarning, match=message):
        loaded = load_image(tmp_path / "a.tif")
    np.testing.assert_allclose(loaded[0], (array - low) * (255 / (high - low)), rtol=1e-5)


def test_a_ct_with_negative_values_has_its_own_range() -> None:
    hounsfield = np.array([[-1000, -200, 400]], np.int32)
    with pytest.warns(UserWarning, match="black is taken as -1000 and white as 400"):
        loaded = load_image(encoded(Image.fromarray(hounsfield), "TIFF"))
    np.testing.assert_allclose(loaded[0], (hounsfield + 1000) * (255 / 1400), rtol=1e-6)


@pytest.mark.parametrize(("largest", "white"), [(4095, 4095), (3000, 4095), (900, 1023),
                                                (12000, 16383), (200, 255)])  # fmt: skip
def test_fewer_bits_in_a_16_bit_file_or_array_are_noticed(largest: int, white: int) -> None:
    values = np.array([[0, largest // 2, largest]], np.uint16)
    for source in (encoded(Image.fromarray(values), "PNG"), values):
        with pytest.warns(UserWarning, match=f"black is taken as 0 and white as {white}"):
            loaded = load_image(source)
        np.testing.assert_allclose(loaded[0], values * (255 / white), rtol=1e-6)


def test_the_tags_of_a_tiff_state_its_range() -> None:
    values = np.array([[-1000, -200, 400]], np.float32)
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[340], tags[341] = -1024.0, 3071.0
    loaded = load_image(encoded(Image.fromarray(values), "TIFF", tiffinfo=tags))
    np.testing.assert_allclose(loaded[0], (values + 1024) * (255 / 4095), rtol=1e-6)


def test_a_declared_range_holds_for_files_arrays_and_tensors_and_is_clipped() -> None:
    values = np.array([[-2000, -1000, -300, 400, 3000]], np.int16)
    expected = [[[0.0, 0.0, 127.5, 255.0, 255.0]]]
    for source in (
        values, values.astype(np.int64), torch.from_numpy(values), values.astype(np.float64),
        encoded(Image.fromarray(values.astype(np.int32)), "TIFF"),
    ):  # fmt: skip
        assert load_image(source, range=(-1000, 400)).tolist() == expected
    assert load_image(np.array([[0, 51, 255]], np.uint8), range=(-1000, 400)).tolist() == [
        [[0, 51, 255]]
    ]


def test_values_that_do_not_look_like_the_declared_range_are_told_or_refused() -> None:
    with pytest.warns(UserWarning, match=r"values from 0 to 1 for .* 0..10000: they may be in oth"):
        load_image(np.array([[0.0, 1.0]]), range=(0, 10000))
    with pytest.warns(UserWarning, match=r"75 % were clipped"):
        load_image(np.array([[0.5, 2, 3, 4]]), range=(0, 1))
    with pytest.raises(ImageError, match=r"no value lies in the declared range of 0\.\.1"):
        load_image(np.array([[2.0, 3.0]]), range=(0, 1))


def test_what_rounding_leaves_beyond_0_and_1_is_cut_off() -> None:
    values = np.array([[-1e-6, 0.5, 1.0000001]])
    assert load_image(values).tolist() == [[[0, 127.5, 255]]]
    with pytest.raises(ImageError, match=r"not 0 to 1\.002"):
        load_image(np.array([[0, 1.002]]))


def test_a_floating_point_file_with_nan_or_a_single_large_value_is_refused() -> None:
    for values in ([[0, np.nan]], [[5, 5]]):
        file = encoded(Image.fromarray(np.array(values, np.float32)), "TIFF")
        with pytest.raises(ImageError, match=r"NaN|pixel values must be"):
            load_image(file)


def test_something_else_than_an_image_is_refused() -> None:
    with pytest.raises(ImageError, match="not an image that Pillow can open"):
        load_image(io.BytesIO(b"these are words"))
    with pytest.raises(ImageError, match="not an image that Pillow can open"):
        load_image(io.BytesIO(b""))


def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"nothing\.png: No such file"):
        load_image(tmp_path / "nothing.png")
    with pytest.raises(ImageError, match="Is a directory"):
        load_image(tmp_path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP", "PPM"])
def test_a_file_cut_off_anywhere_is_refused_or_whole(kind: str) -> None:
    data = encoded(Image.fromarray(RGB), kind).getvalue()
    whole = load_image(io.BytesIO(data))
    refused = 0
    for end in range(0, len(data), max(1, len(data) // 60)):
        try:
            loaded = load_image(io.BytesIO(data[:end]))
        except ImageError:
            refused += 1
        else:
            assert torch.equal(loaded, whole)  # only what follows the pixels was cut off
    assert refused > 5


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "WEBP", "PPM", "AVIF", "DDS", "SGI"])
def test_a_damaged_file_is_refused_or_read_but_never_crashes(kind: str) -> None:
    data = encoded(Image.fromarray(RGB), kind).getvalue()
    rng = np.random.default_rng(0)
    refused: list[str] = []
    for _ in range(60):
        damaged = bytearray(data)
        for place in rng.integers(4, min(len(data), 120), 2):
            damaged[place] = rng.integers(256)
        try:
            load_image(io.BytesIO(damaged))
        except ImageError as error:
            refused.append(str(error))
    assert refused
    assert not any("\n" in message for message in refused)


@pytest.mark.parametrize("side", [8_001, 10_000, 30_000])
def test_a_bomb_is_refused_before_it_is_decoded(side: int) -> None:
    with pytest.raises(ImageError, match="more than the limit of 64"):
        load_image(io.BytesIO(png_header(side, side)))


def test_an_image_is_cut_to_the_core_and_back_without_loss() -> None:
    color = Preprocessing(mean=(120.0, 110.0, 100.0))
    image = load_image(RGB)
    np.testing.assert_array_equal(color.to_display(color.to_core(image)), RGB)
    assert color.to_core(image)[:, 0, 0].tolist() == (RGB[0, 0] - [120.0, 110.0, 100.0]).tolist()
    gray = load_image(RGB[..., 0])
    np.testing.assert_array_equal(GRAY.to_display(GRAY.to_core(gray)), RGB[..., 0])
    assert color.to_core(gray).shape == (3, 6, 9)


def test_gray_is_the_luma_of_the_colors() -> None:
    expected = RGB @ np.array([0.299, 0.587, 0.114]) - 127.5
    np.testing.assert_allclose(GRAY.to_core(load_image(RGB))[0], expected, rtol=1e-5, atol=1e-4)


def test_the_display_is_clipped() -> None:
    x = torch.tensor([[[-300.0, 0.0, 300.0]]])
    assert GRAY.to_display(x).tolist() == [[0, 128, 255]]
    assert np.asarray(GRAY.to_pil(x)).tolist() == [[0, 128, 255]]


def test_load_reduces_to_a_longer_side_or_resizes_to_height_and_width() -> None:
    assert GRAY.load(CHELSEA, 96).shape == (1, 72, 96)
    assert GRAY.load(CHELSEA, 10_000).shape == (1, 288, 384)
    assert GRAY.load(CHELSEA, (30, 20)).shape == (1, 30, 20)
    assert fit_within(10_000, 1, 5) == (5, 1)


def test_resizing_equals_pillows_bilinear_filter() -> None:
    image = load_image(CHELSEA)[:1]
    pillow = Image.fromarray(image[0].numpy()).resize((101, 77), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(resize_image(image, 77, 101)[0], np.asarray(pillow), atol=1e-3)


def test_images_of_two_sizes_are_no_batch() -> None:
    images = [torch.zeros(1, 2, 3), torch.zeros(1, 4, 3)]
    with pytest.raises(ImageError, match="one size, not 2 x 3, 4 x 3: resize them"):
        stack_images(images)


@given(seed=st.integers(0, 99), channels=st.sampled_from([1, 3]), noise=st.floats(0.5, 100))
def test_psnr_and_ssim_are_those_of_scikit_image(seed: int, channels: int, noise: float) -> None:
    reference = random_image(channels, 19, 23, seed=seed) + 127.5
    x = reference + random_image(channels, 19, 23, seed=seed + 100, scale=noise)
    expected = structural_similarity(
        x.numpy(), reference.numpy(), channel_axis=0, data_range=255,
        gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
    )  # fmt: skip
    assert ssim(x[None], reference[None]).item() == pytest.approx(expected, rel=1e-10)
    expected = peak_signal_noise_ratio(reference.numpy(), x.numpy(), data_range=255)
    assert psnr(x[None], reference[None]).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("pixels", [1, 300, 40 * 31 - 1])
def test_ssim_in_strips_is_that_of_the_whole_images(
    pixels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = random_image(2, 3, 40, 31) + 127.5
    x = reference + random_image(2, 3, 40, 31, seed=1, scale=20.0)
    expected = ssim(x, reference)
    monkeypatch.setattr(preimage_images, "_LARGE", pixels)
    torch.testing.assert_close(ssim(x, reference), expected, rtol=1e-12, atol=0)


def test_ssim_of_an_image_smaller_than_its_window_is_nan() -> None:
    x = random_image(2, 1, 10, 40)
    assert ssim(x, x).isnan().all()
