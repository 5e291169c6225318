"""Likeness of reconstructions and photos, each of one with each of the other.

Pictures are compared as they are seen, in 8 bits, and all resized to 224 x 224 pixels. Row i and
column j of a table belong to reconstruction i and photo j: the diagonal holds what reconstructions
share with their own photos, and the rest what they share with others by chance. A photo that is
*re-identified* is recognized in two ways at once: see `conjunction`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import normalize

from preimage.images import local_means, local_similarity
from preimage.networks import Network
from preimage.preprocessing import GRAY
from preimage.representations.hog import HOG
from preimage.studies.colors import to_lab
from preimage.studies.judge import features_and_probabilities
from preimage.studies.natural_statistics import resized

Key: TypeAlias = tuple[str, str]
"""The name of a measure, and that of the judge; without a judge, an empty text."""

_CHROMA_BINS = 12
_MOST_CHROMA = 60.0
"""The largest chroma that has a bin of its own; larger ones are counted with it."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """The features of pictures that are compared.

    Attributes:
        gray: gray levels, (N, 1, H, W).
        pixels: all values without the mean of each channel, of unit norm, (N, K).
        hog: HOG codes, without their mean and of unit norm, (N, K).
        color: the mean color in CIELAB, (N, 3).
        chromas: shares of the chromas, (N, bins).
        judged: features of unit norm (N, K) and first classes (N,) by each judge.
    """

    gray: Tensor
    pixels: Tensor
    hog: Tensor
    color: Tensor
    chromas: Tensor
    judged: tuple[tuple[Tensor, Tensor], ...]


class Gallery:
    """Photos of known contents, which reconstructions are compared with.

    Args:
        photos: the pictures of the photos, all different.
        judges: networks that had no part in the reconstructions.
    """

    def __init__(self, photos: Sequence[Image.Image], judges: Sequence[Network] = ()) -> None:
        self.judges = tuple(judges)
        self._photos = self._look(photos)

    def __len__(self) -> int:
        return len(self._photos.gray)

    def compare(self, pictures: Sequence[Image.Image]) -> dict[Key, np.ndarray]:
        """Return the likeness (N, N) of the picture of each photo to all photos, by measure.

        Rates hold 0 or 1; distances are negative, so that more is always more alike.

        Raises:
            ValueError: if there are not as many pictures as photos.
        """
        if len(pictures) != len(self):
            raise ValueError(f"{len(self)} photos need as many pictures, not {len(pictures)}")
        mine, photos = self._look(pictures), self._photos
        pixels = _nearest(mine.pixels @ photos.pixels.T)
        hog = _nearest(mine.hog @ photos.hog.T)
        found: dict[Key, np.ndarray] = {
            ("reidentified_pixels", ""): pixels,
            ("reidentified_hog", ""): hog,
        }
        by_judges = []
        for judge, (features, classes), (of_photos, true) in zip(
            self.judges, mine.judged, photos.judged, strict=True
        ):
            cosines = features @ of_photos.T
            by_judges.append(_nearest(cosines))
            found["reidentified_judge", judge.name] = by_judges[-1]
            if judge.classes:
                found["same_class", judge.name] = (classes[:, None] == true).double().numpy()
            found["feature_distance", judge.name] = (cosines - 1).numpy()
        found["ssim", ""] = _structure(mine.gray, photos.gray)
        nearness = -torch.cdist(mine.color, photos.color)
        found["reidentified_color", ""] = _nearest(nearness)
        found["color_distance", ""] = nearness.numpy()
        overlap = torch.minimum(mine.chromas[:, None], photos.chromas).sum(2)
        found["color_histogram", ""] = overlap.numpy()
        if by_judges:
            both = conjunction(np.maximum(pixels, hog), np.mean(by_judges, 0) > 0.5)
        else:
            both = conjunction(pixels, hog)
        return {("reidentified", ""): both, **found}

    def _look(self, pictures: Sequence[Image.Image]) -> _Seen:
        """Return the features of pictures."""
        colors = torch.stack([resized(picture.convert("RGB")) for picture in pictures])
        gray = torch.stack([GRAY.to_core(color) for color in colors])
        lab = torch.stack([to_lab(color) for color in colors])
        with torch.no_grad():
            hog = HOG()(gray).flatten(1).double()
        judged = []
        for judge in self.judges:
            features, chances = features_and_probabilities(judge, pictures)
            judged.append((normalize(features), chances.argmax(1)))
        centered = colors.double() - colors.double().mean((2, 3), keepdim=True)
        return _Seen(
            gray=GRAY.to_255(gray),
            pixels=normalize(centered.flatten(1)),
            hog=normalize(hog - hog.mean(1, keepdim=True)),
            color=lab.mean((2, 3)),
            chromas=torch.stack([_count_chromas(image[1:]) for image in lab]),
            judged=tuple(judged),
        )


def _nearest(likeness: Tensor) -> np.ndarray:
    """Return 1 where a photo is nearer than all others to a reconstruction, and 0 elsewhere.

    If several are equally near, the reconstruction does not tell them apart, and none counts.
    """
    ordered = likeness.sort(1, descending=True).values
    is_first = likeness >= ordered[:, :1]
    is_alone = (ordered[:, :1] - ordered[:, 1:2]) > 1e-9
    return (is_first & is_alone).double().numpy()


def conjunction(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the table (N, N) of a measure that holds where two measures hold at once.

    Pairing reconstructions with photos at random breaks both measures, which by luck seldom hold
    at once. But where one truly holds for many photos, the other holds for some of them by luck
    alone. So there are three tables with the same diagonal, of which the one with the most hits is
    returned: both measures depend on the photo of the column; or one of them does, and the other
    is that of the reconstruction and its own photo.

    Args:
        first: 0 or 1 for reconstruction i and photo j, (N, N).
        second: the same of the other measure.

    >>> conjunction(np.eye(2), np.array([[1, 0], [1, 0]])).tolist()
    [[1.0, 0.0], [1.0, 0.0]]
    """
    a, b = (np.asarray(table, float) for table in (first, second))
    return max(a * b, a * np.diagonal(b)[:, None], b * np.diagonal(a)[:, None], key=np.sum)


def _structure(pictures: Tensor, photos: Tensor) -> np.ndarray:
    """Return the structural similarity of the gray levels of each picture with each photo."""
    a, aa, b, bb = (local_means(x) for x in (pictures, pictures**2, photos, photos**2))
    rows = []
    for n, picture in enumerate(pictures):
        ab = local_means(picture * photos)
        rows.append(local_similarity(a[n], b, aa[n], bb, ab).mean((1, 2, 3)))
    return torch.stack(rows).double().numpy()


def _count_chromas(chroma: Tensor) -> Tensor:
    """Return the share of the pixels in each bin of the chromas a and b (2, H, W)."""
    scaled = (chroma.flatten(1) / _MOST_CHROMA + 1) / 2 * _CHROMA_BINS
    a, b = scaled.long().clamp(0, _CHROMA_BINS - 1)
    counts = torch.bincount(a * _CHROMA_BINS + b, minlength=_CHROMA_BINS**2).double()
    return counts / counts.sum()
