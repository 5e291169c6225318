"""Codes of reference photos, which stored vectors are compared with.

Each photo gives several crops, so that a few photos have codes of many contents.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from preimage.images import load_image, resize_image
from preimage.preprocessing import DEFAULT_SIZE
from preimage.representations.base import Representation
from preimage.representations.other_preprocessing import other_preprocessings, prepare

CROPS = 96
"""The number of crops, at least one of each photo."""

_SMALLEST = 0.35
"""The least share of a photo's height and width that a crop has."""

OWN = ""
"""The name of the network's own preprocessing among the codes."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Codes of crops of photos.

    Attributes:
        codes: the codes (N, ...) by the name of a preprocessing; those of the network's own are
            called `OWN`.
        photos: the index of the photo of each crop, (N,).
    """

    codes: Mapping[str, Tensor]
    photos: np.ndarray

    def __str__(self) -> str:
        count = len(set(self.photos.tolist()))
        return f"{len(self.photos)} crops of {count} photo{'s' if count > 1 else ''}"


def encode_reference(
    layer: Representation,
    photos: Sequence[Path],
    *,
    crops: int = CROPS,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Reference:
    """Return the codes of crops of photos, with the network's own preprocessing and with others.

    Raises:
        ImageError: if a photo cannot be used.
    """
    count = max(crops, len(photos))

    def report(done: int) -> None:
        if progress is not None:
            progress(done, count)

    return encode_crops(layer, crop_photos(layer, photos, count, seed), report)


def encode_crops(
    layer: Representation,
    crops: Iterable[tuple[int, Tensor]],
    report: Callable[[int], None] | None = None,
    *,
    prepared: bool = True,
) -> Reference:
    """Return the codes of at least one crop, each with the index of its photo.

    Without `prepared`, no other preprocessing is used. `report` is called after each crop with the
    number of those that are done.
    """
    is_prepared = prepared and layer.is_network
    names = [OWN, *(other_preprocessings(layer.preprocessing) if is_prepared else ())]
    found: dict[str, list[Tensor]] = {name: [] for name in names}
    index = []
    with layer.session(torch.device("cpu")):
        for photo, image in crops:
            index.append(photo)
            for name in names:
                x = prepare(name, layer.preprocessing, image) if name else image
                found[name].append(layer.encode(x))
            if report is not None:
                report(len(index))
    return Reference({name: torch.cat(codes) for name, codes in found.items()}, np.array(index))


def crop_photos(
    layer: Representation, photos: Sequence[Path], count: int, seed: int
) -> Iterator[tuple[int, Tensor]]:
    """Yield the index of a photo, and a crop of it as an image of the core, (1, D, H, W).

    Crops have the shape of the images that the layer takes, and are mirrored half of the time.
    """
    generator = random.Random(seed)
    prescribed = layer.preprocessing
    height, width = layer.default_size or DEFAULT_SIZE
    for index, path in enumerate(photos):
        whole = load_image(path, channels=prescribed.channels, range=prescribed.range)
        unit = min(whole.shape[-2] / height, whole.shape[-1] / width)
        for _ in range(index, count, len(photos)):
            share = generator.uniform(_SMALLEST, 1) * unit
            rows, columns = (max(int(share * side), 1) for side in (height, width))
            top = generator.randint(0, whole.shape[-2] - rows)
            left = generator.randint(0, whole.shape[-1] - columns)
            crop = whole[:, top : top + rows, left : left + columns]
            crop = crop.flip(-1) if generator.random() < 0.5 else crop
            image = resize_image(crop, height, width, prescribed.interpolation)
            yield index, prescribed.to_core(image)[None]
