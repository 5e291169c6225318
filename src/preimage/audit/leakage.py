"""The leak audit: which layers of a network give a photo back.

Every photo is inverted from every layer. A layer leaks if nearly every reconstruction is nearer to
its own photo than to all others, compared by pixels or by HOG codes (not by the network).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from torch import Tensor

from preimage.preprocessing import GRAY
from preimage.representations.hog import HOG
from preimage.studies.loader import Loader
from preimage.studies.outcome import Record
from preimage.studies.study import Study, make_study
from preimage.studies.summary import Mean, summarize

NAME = "audit"
LEAKS = 0.9
"""The layer leaks if at least this fraction of photos is recognized, by pixels or by HOG."""
FEWEST_PHOTOS = 4
"""Smallest number of photos. With 4, guessing by one measure is right for all of them in one layer
of 256; with fewer, in too many layers."""


@dataclass(frozen=True, slots=True)
class LayerAudit:
    """The audit of one layer.

    Attributes:
        by_pixels: fraction of the reconstructions whose nearest photo, by correlation of
            pixels, is their own.
        by_hog: the same fraction, by correlation of HOG codes.
    """

    mean: Mean
    by_pixels: float
    by_hog: float

    @property
    def leaks(self) -> bool:
        """True if the layer gives photos back."""
        return max(self.by_pixels, self.by_hog) >= LEAKS


def plan_audit(
    representations: Sequence[str],
    photos: Sequence[Path],
    steps: int | None,
    weights: str | None,
    judge: Sequence[str] = (),
) -> Study:
    """Return the study of an audit: each photo inverted from each layer, with the layer's C.

    >>> plan_audit(["hog"], [Path("a.png")], 10, None).name
    'audit'
    """
    return make_study({
        "name": NAME, "representations": list(representations),
        "images": [str(path) for path in photos], "steps": steps, "weights": weights,
        **({"judge": list(judge)} if judge else {}),
    })  # fmt: skip


def audit_layers(records: Sequence[Record], loader: Loader) -> list[LayerAudit]:
    """Return the audit of each layer that has results, in the order of the records.

    Raises:
        ValueError: if fewer than two photos can be compared.
    """
    done = [record for record in records if record.measures is not None]
    if len({record.trial.photo_sha256 for record in done}) < 2:
        raise ValueError("an audit needs results of at least two photos to tell them apart")
    audits = []
    for mean in summarize(done):
        alike = [r for r in done if r.trial.representation == mean.representation]
        audits.append(LayerAudit(mean, *_recognized(alike, done, loader)))
    return audits


def _recognized(
    alike: Sequence[Record], done: Sequence[Record], loader: Loader
) -> tuple[float, float]:
    """Return the fractions of results nearest to their own photos, by pixels and by HOG."""
    first = alike[0].trial
    preprocessing = loader.representation(first.representation, first.weights).preprocessing
    trials = {record.trial.photo_sha256: record.trial for record in done}
    photos = torch.stack([preprocessing.load(t.photo or "", t.size) for t in trials.values()])
    images = torch.stack([torch.from_numpy(np.load(r.image)) for r in alike if r.image])
    own = torch.tensor([list(trials).index(record.trial.photo_sha256) for record in alike])
    pixels = (preprocessing.to_255(images), preprocessing.to_255(photos))
    return _rate(*pixels, own), _rate(_hog(pixels[0]), _hog(pixels[1]), own)


def _rate(results: Tensor, photos: Tensor, own: Tensor) -> float:
    """Return the fraction of results whose best correlated photo has the index in `own`."""
    vectors = [values.flatten(1) for values in (results, photos)]
    a, b = (torch.nn.functional.normalize(v - v.mean(1, keepdim=True)) for v in vectors)
    return fmean(((a @ b.T).argmax(1) == own).float().tolist())


def _hog(images: Tensor) -> Tensor:
    """Return the HOG codes of images in 0..255."""
    gray = torch.stack([GRAY.to_core(image.clamp(0, 255)) for image in images])
    with torch.no_grad():
        return HOG()(gray)
