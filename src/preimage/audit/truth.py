"""Photos whose contents are known, and their codes as a store would hold them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from preimage.audit.recognition import Recognition
from preimage.audit.reconstructions import Case
from preimage.files import sha256
from preimage.photo_files import photo_paths
from preimage.representations.base import Representation

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, slots=True)
class Truth:
    """Photos of known contents, with their codes.

    Attributes:
        paths: the files.
        pictures: the photos as the layer's preprocessing cuts them.
        cases: their codes.
    """

    paths: tuple[Path, ...]
    pictures: tuple[Image.Image, ...]
    cases: tuple[Case, ...]


def choose_photos(
    reference: Sequence[Path] | None, limit: int, seed: int = 0, folder: Path = Path()
) -> list[Path]:
    """Return different photos of files and folders, or of the shipped ones.

    If there are more than `limit`, they are drawn with the seed.

    >>> len(choose_photos(None, 2))
    2
    """
    different: dict[str, Path] = {}
    for path in photo_paths(reference, folder):
        different.setdefault(sha256(path), path)
    paths = list(different.values())
    chosen = random.Random(seed).sample(range(len(paths)), min(limit, len(paths)))
    return [paths[n] for n in sorted(chosen)]


def encode_photos(
    paths: Sequence[Path], recognition: Recognition, size: tuple[int, int] | None = None
) -> Truth:
    """Return the codes of photos after the steps that were recognized, rounded as in the store.

    Args:
        paths: the photos.
        recognition: what was done to the codes in the store.
        size: height and width of the images; if None, those that the layer takes.

    Raises:
        ImageError: if a photo cannot be used.
    """
    phi = recognition.representation
    pictures, cases = [], []
    for n, path in enumerate(paths, 1):
        image = phi.preprocessing.load(path, size)
        code = recognition.through_store(phi.encode(image[None]))
        pictures.append(phi.preprocessing.to_pil(image).convert("RGB"))
        cases.append(Case(f"photo-{n}", code, path.name, path.name))
    return Truth(tuple(paths), tuple(pictures), tuple(cases))


def size_of_images(phi: Representation, code_shape: tuple[int, ...]) -> tuple[int, int] | None:
    """Return the size of the photos of codes of a shape; None if the layer prescribes it."""
    return None if phi.default_size is not None else phi.image_size(code_shape)
