"""What several test files share: photos, golden arrays, and a representation in one line."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar, final

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from preimage.images import load_image
from preimage.photo_files import shipped_photos
from preimage.preprocessing import GRAY, Preprocessing
from preimage.representations.base import Representation

T = TypeVar("T")

_GOLDEN = np.load(Path(__file__).parent / "golden" / "vlfeat_golden.npz")
GOLDEN_IMAGES = sorted({key.split("/")[0] for key in _GOLDEN.files})


@contextmanager
def full_disk(size: int = 4096) -> Iterator[None]:
    """A block in which no file can grow beyond a size, as on a full disk: EFBIG, not ENOSPC."""
    resource = pytest.importorskip("resource", reason="limits of the size of files")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def golden(image: str, what: str) -> np.ndarray:
    """An array of the golden file; golden/README.txt says what each is."""
    return _GOLDEN[f"{image}/{what}"]


def golden_images_with(what: str) -> list[str]:
    """The golden images that have such an array."""
    return [name for name in GOLDEN_IMAGES if f"{name}/{what}" in _GOLDEN.files]


def code_of(representation: Representation, image: np.ndarray, dtype: torch.dtype) -> np.ndarray:
    """The code of one gray image (H, W), without the batch axis."""
    with torch.no_grad():
        return representation(torch.as_tensor(image, dtype=dtype)[None, None])[0].numpy()


def deviation(code: np.ndarray, reference: np.ndarray) -> float:
    """The largest difference over the largest component."""
    assert code.shape == reference.shape
    return float(np.abs(code - reference).max() / (reference.max() or 1))


def random_image(*shape: int, seed: int = 0, scale: float = 255.0) -> Tensor:
    """Uniform noise in float64, mean zero, with neither ties nor flat areas."""
    values = torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (values - 0.5) * scale


def random_crops(count: int) -> list[np.ndarray]:
    """Crops of the shipped photos, of odd height and width, in whole gray levels (H, W)."""
    rng = np.random.default_rng(0)
    photos = [
        (GRAY.to_core(load_image(path))[0] + 127.5).round().numpy()
        for path in shipped_photos().values()
    ]
    crops = []
    for index in range(count):
        photo = photos[index % len(photos)]
        height, width = rng.integers(14, 70, 2) * 2 + 1
        top = rng.integers(photo.shape[0] - height)
        left = rng.integers(photo.shape[1] - width)
        crops.append(np.ascontiguousarray(photo[top : top + height, left : left + width]))
    return crops


def png_header(width: int, height: int) -> bytes:
    """A PNG file that claims to be this large, in 60 bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def encoded(image: Image.Image, kind: str, **options: object) -> io.BytesIO:
    """The image as an open file of that kind."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    file.seek(0)
    return file


def pixels_of(path: Path) -> np.ndarray:
    """The pixels of an image file."""
    with Image.open(path) as image:
        return np.asarray(image)


def known(value: T | None) -> T:
    """The value, which there must be."""
    assert value is not None
    return value


@final
class Projections(Representation):
    """Phi(x) = A x with a fixed random A: a representation that NumPy can follow."""

    name = "projections"
    stride = 1

    def __init__(self, components: int, channels: int, height: int, width: int) -> None:
        super().__init__()
        self.preprocessing = Preprocessing(mean=(127.5,) * channels)
        self.size = (height, width)
        pixels = channels * height * width
        self.matrix = random_image(components, pixels, seed=1, scale=2.0) / pixels

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.matrix.T.to(x)

    def code_shape(self, height: int, width: int) -> tuple[int, ...]:
        if (height, width) != self.size:
            raise ValueError(f"projections needs {self.size}, not {height} x {width}")
        return (len(self.matrix),)

    def image_size(self, code_shape: tuple[int, ...]) -> tuple[int, int]:
        return self.size
