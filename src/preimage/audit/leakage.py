"""Which layers of a network give a photo back: inversion as a leak.

Every photo is inverted from every layer. A layer leaks where the reconstructions are nearer
to their own photos than to all others, in pixels or for HOG, which the network knows nothing
of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import torch
from torch import Tensor

from preimage.preprocessing import GRAY
from preimage.representations.hog import HOG
from preimage.studies.loading import Loader
from preimage.studies.outcome import Record
from preimage.studies.study import Study
from preimage.studies.summary import Mean, summarize

LEAKS = 0.9
"""A layer gives photos back if at least this fraction is recognized, by pixels or by HOG."""
FEWEST = 4
"""Of so many photos, guesses would be right for all in one of 256 layers, by one measure."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """What one layer tells about the photos.

    Attributes:
        mean: errors and similarities.
        by_pixels: fraction of the reconstructions whose nearest photo, by correlation of
            the pixels, is their own.
        by_hog: the same for the correlation of HOG codes.
    """

    mean: Mean
    by_pixels: float
    by_hog: float

    @property
    def leaks(self) -> bool:
        """Whether the layer gives the photos back."""
        return max(self.by_pixels, self.by_hog) >= LEAKS


def study(
    representations: Sequence[str], photos: Sequence[str], steps: int | None, weights: str | None
) -> Study:
    """The trials of an audit: each photo from each layer, with the layer's own C.

    Args:
        representations: layers, as "vgg-m/conv1".
        photos: image files and folders.
        steps: iterations; None for as many as the settings have.
        weights: weight file of the network, "random", or None for its own.

    >>> study(["hog"], ["a.png"], 10, None).name
    'audit'
    """
    return Study(
        name="audit", representations=list(representations), photos=list(photos), steps=steps,
        weights=weights,
    )  # fmt: skip


def expose(records: Sequence[Record], loader: Loader) -> list[Exposure]:
    """What each layer tells, in the order of the records; nothing of those without results.

    Args:
        records: the trials of an audit.
        loader: where representations come from.

    Raises:
        ValueError: if fewer than two photos can be compared.
    """
    done = [record for record in records if record.measures is not None]
    names = list(dict.fromkeys(record.trial.photo_sha256 for record in done))
    if len(names) < 2:
        raise ValueError("an audit needs results of at least two photos to tell them apart")
    exposures = []
    for mean in summarize(done):
        alike = [r for r in done if r.trial.representation == mean.representation]
        exposures.append(Exposure(mean, *_recognized(alike, done, loader)))
    return exposures


def _recognized(
    alike: Sequence[Record], done: Sequence[Record], loader: Loader
) -> tuple[float, float]:
    """The fractions of reconstructions nearest to their own photos, by pixels and by HOG."""
    first = alike[0].trial
    preprocessing = loader.representation(first.representation, first.weights).preprocessing
    trials = {record.trial.photo_sha256: record.trial for record in done}
    photos = torch.stack([preprocessing.load(trial.photo, trial.size) for trial in trials.values()])
    images = torch.stack([torch.from_numpy(np.load(r.image)) for r in alike if r.image])
    own = torch.tensor([list(trials).index(record.trial.photo_sha256) for record in alike])
    pixels = (preprocessing.to_255(images), preprocessing.to_255(photos))
    return _rate(*pixels, own), _rate(_hog(pixels[0]), _hog(pixels[1]), own)


def _rate(results: Tensor, photos: Tensor, own: Tensor) -> float:
    nearest = (_normalized(results) @ _normalized(photos).T).argmax(1)
    return fmean((nearest == own).float().tolist())


def _normalized(values: Tensor) -> Tensor:
    """Each as a vector of mean 0 and norm 1, so that products are correlations."""
    vectors = values.flatten(1)
    return torch.nn.functional.normalize(vectors - vectors.mean(1, keepdim=True))


def _hog(images: Tensor) -> Tensor:
    gray = torch.stack([GRAY.to_core(image.clamp(0, 255)) for image in images])
    with torch.no_grad():
        return HOG()(gray)
