"""Decoding: layouts of arrays, tensors of any type, `.npy` files, films, and what is no file."""

from __future__ import annotations

import io
import os
import socket
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from preimage.decoding import ImageError, decode, open_picture, read_npy
from preimage.images import load_image
from preimage.photo_files import shipped_photos
from tests.cli.runner import npy
from tests.support import encoded

RGB = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
BANDS = np.random.default_rng(1).integers(0, 1000, (12, 6, 9)).astype(np.uint16)


@pytest.mark.parametrize("channels", [2, 4, 12])
def test_the_axis_of_channels_is_found_by_their_number(channels: int) -> None:
    bands = BANDS[:channels]
    last = np.moveaxis(bands, 0, 2)
    tensor = torch.from_numpy(bands.astype(np.float32))
    for given in (bands, last, tensor, tensor.permute(1, 2, 0)):
        np.testing.assert_array_equal(decode(given, channels).values, bands)


@pytest.mark.parametrize("channels", [1, 3])
def test_gray_and_color_photos_can_have_their_channels_first_or_last(channels: int) -> None:
    first = np.moveaxis(RGB, 2, 0)
    for given in (RGB, first, torch.from_numpy(RGB), torch.from_numpy(first.copy())):
        np.testing.assert_array_equal(decode(given, channels).values, first)


def test_if_both_axes_fit_it_is_the_last_of_an_array_and_the_first_of_a_tensor() -> None:
    square = np.random.default_rng(0).random((4, 6, 4))
    np.testing.assert_array_equal(decode(square, 4).values, np.moveaxis(square, 2, 0))
    np.testing.assert_array_equal(decode(torch.from_numpy(square), 4).values, square)


@pytest.mark.parametrize(
    ("array", "channels", "message"),
    [
        (np.zeros((4, 5, 3)), 12, r"\(H, W, 12\) or \(12, H, W\), not of shape \(4, 5, 3\)"),
        (np.zeros((4, 5)), 12, r"\(12, H, W\), not of shape \(4, 5\)"),
        (np.zeros((1, 3, 8, 8)), 3, "one by one, as a list; volumes and videos are not supported"),
        (np.zeros((1, 3, 8, 8, 8)), 3, "volumes and videos are not supported"),
        (torch.zeros(1, 3, 8, 8, 8), None, "volumes and videos are not supported"),
        (np.zeros((4, 5, 2)), 3, "not of shape"),
    ],
)
def test_arrays_of_another_shape_are_refused(array: Any, channels: int, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        decode(array, channels)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_tensors_of_any_floating_point_type_are_images(dtype: torch.dtype) -> None:
    values = torch.tensor([[0.0, 0.25, 1.0]], dtype=dtype)
    assert load_image(values).tolist() == [[[0, 63.75, 255]]]


@pytest.mark.parametrize(
    "tensor", [torch.zeros(3, 4, device="meta"), torch.zeros(3, 4, dtype=torch.complex64)]
)
def test_tensors_without_real_values_are_refused(tensor: torch.Tensor) -> None:
    with pytest.raises(ImageError, match="an image cannot be made of"):
        load_image(tensor)


@pytest.mark.parametrize("mode", ["RGBA", "CMYK"])
def test_a_picture_of_four_channels_keeps_them_if_four_are_wanted(mode: str) -> None:
    values = np.random.default_rng(0).integers(0, 256, (6, 9, 4), dtype=np.uint8)
    file = encoded(Image.fromarray(values, mode), "TIFF")
    np.testing.assert_array_equal(load_image(file, channels=4), np.moveaxis(values, 2, 0))


def test_a_picture_of_three_channels_is_refused_if_twelve_are_wanted() -> None:
    with pytest.raises(ImageError, match="a picture of 12 channels is wanted, not of R, G, B"):
        load_image(shipped_photos()["chelsea"], channels=12)


def test_a_saved_array_is_a_photo(tmp_path: Path) -> None:
    path = tmp_path / "bands.npy"
    np.save(path, BANDS)
    for source in (path, str(path), io.BytesIO(path.read_bytes())):
        found = load_image(source, channels=12, range=(0, 1000))
        np.testing.assert_allclose(found, BANDS * 0.255, rtol=1e-6)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "PNG"])
def test_films_and_volumes_are_refused(kind: str) -> None:
    frames = [Image.new("L", (4, 4), level) for level in (10, 200)]
    file = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    with pytest.raises(ImageError, match="2 pictures, a film or a volume: give one of them"):
        load_image(file)


def test_a_thumbnail_behind_the_first_picture_is_no_film() -> None:
    first, thumbnail = Image.new("L", (8, 8), 10), Image.new("L", (4, 4), 10)
    file = encoded(first, "TIFF", save_all=True, append_images=[thumbnail])
    assert load_image(file).unique().tolist() == [10]


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (b"\0\0\0\x20ftypisom" + bytes(600), "a video: give one of its frames"),
        (b"\x1aE\xdf\xa3" + bytes(600), "a video: give one of its frames"),
        (bytes(128) + b"DICM" + bytes(600), "a DICOM file: save its values with numpy.save"),
        (b"these are words", "not an image that Pillow can open"),
        (b"", "not an image that Pillow can open"),
    ],
)
def test_files_that_are_no_pictures_are_named(start: bytes, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        open_picture(io.BytesIO(start))


def _header(text: str) -> bytes:
    """A .npy file of version 1 with this header and eight bytes of data."""
    data = text.encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(data)) + data + bytes(8)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", "u1", ">i2", "?"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 4), (0, 3)])
def test_saved_arrays_come_back(order: Any, dtype: str, shape: tuple[int, ...]) -> None:
    array = np.asarray(np.arange(24)[: int(np.prod(shape))].reshape(shape), dtype, order=order)
    found = read_npy(io.BytesIO(npy(array)))
    assert (found.dtype, found.shape) == (array.dtype.newbyteorder("="), shape)
    assert found.flags.writeable
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not an array of numbers saved by numpy.save"),
        (b"words", "not an array of numbers"),
        (b"\x93NUMPY", "its header cannot be read"),
        (b"\x93NUMPY\x09\x00" + bytes(20), "its header cannot be read"),
        (b"\x93NUMPY\x01\x00\xff\xff{", "its header cannot be read"),
        (_header("{"), "its header cannot be read"),
        (_header("(" * 9000), "its header cannot be read"),
        (_header("{'descr': '<f4', 'shape': (2,)}"), "its header cannot be read"),
        (
            _header("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"),
            "but of Python objects",
        ),
        (_header("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}"), "of complex64"),
        (_header("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}"), "header says"),
        (
            _header(f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({10**12}, {10**12})}}"),
            "header says",
        ),
        (_header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, -2)}"), "header says"),
        (npy(np.array([object()], dtype=object)), "but of Python objects"),
        (npy(np.ones(4))[:-1], "header says"),
    ],
)
def test_damaged_and_other_arrays_are_refused_in_one_line(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        read_npy(io.BytesIO(data))
    assert len(str(caught.value)) < 200
    assert "\n" not in str(caught.value)


def test_a_header_with_any_byte_changed_is_read_or_refused() -> None:
    data, rng = npy(np.arange(6.0)), np.random.default_rng(0)
    refused = []
    for _ in range(300):
        damaged = bytearray(data)
        damaged[rng.integers(6, 100)] = rng.integers(256)
        try:
            read_npy(io.BytesIO(damaged))
        except ValueError as error:
            refused.append(str(error))
    assert len(refused) > 100
    assert not any("\n" in message for message in refused)


def test_pipes_sockets_devices_and_folders_are_refused_at_once(tmp_path: Path) -> None:
    pipe, bound = tmp_path / "pipe", tmp_path / "socket"
    os.mkfifo(pipe)
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(bound))
        for path, kind in (
            (pipe, "is a named pipe, not a file"), (bound, "is a socket, not a file"),
            (Path("/dev/zero"), "is a device, not a file"), (tmp_path, "Is a directory"),
        ):  # fmt: skip
            with pytest.raises(ImageError, match=kind):
                load_image(path)


def test_a_masked_array_does_not_lose_its_mask() -> None:
    values = np.linspace(0, 1, 12).reshape(3, 4)
    with pytest.raises(ImageError, match=r"^an image must not be a masked array: fill it first"):
        decode(np.ma.masked_array(values, mask=values > 0.5))
    whole = decode(np.ma.masked_array(values, mask=False)).values
    assert np.array_equal(whole, values[None])
