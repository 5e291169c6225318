"""Training of a decoder on an attacker's own photos.

Few photos give many pairs of code and statistics: each photo whole and in crops, both also
mirrored. They are measured one after the other; then the linear map follows in closed form, by
ridge regression.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from preimage.audit.decoder import Decoder, Prediction, checksum_of, direction_name
from preimage.audit.inner_statistics import InnerStatistics, inner_layers
from preimage.audit.reference import crop_photos
from preimage.files import sha256
from preimage.preprocessing import DEFAULT_SIZE
from preimage.representations.base import Representation

FEWEST_PHOTOS = 8
"""The smallest number of photos. Fewer say nothing about others."""

_MOST_VALUES = 2**14
"""The most values of a vector."""

_CROPS = 14
"""Crops of each photo, beside the whole photo and its mirror image."""

_KEPT = 200
"""Images after which all that was measured is kept, as it is after Ctrl-C."""

_RIDGE = 1.0
"""The weight of the squared weights, for standardized inputs and the mean over images."""

_FOLDS = 5
_LEAST_DEVIATION = 0.3
"""The least deviation that counts, relative to the median of an inner layer's channels."""


def train_decoder(
    representation: Representation,
    photos: Sequence[Path],
    *,
    seed: int = 0,
    before: Decoder | None = None,
    keep: Callable[[Decoder], None] = lambda _: None,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Decoder:
    """Train a decoder of a representation's codes, or go on with a training.

    On the same machine with the same number of threads, an interrupted training that goes on has
    the same result as one that was not interrupted.

    Args:
        representation: a layer whose codes are vectors, perhaps with steps.
        photos: the attacker's photos.
        seed: the seed of the crops.
        before: what an interrupted training has kept; see `begin`.
        keep: called with the state of the training now and then, and after Ctrl-C.
        progress: called with the number of images that were measured, and that of all.

    Raises:
        KeyboardInterrupt: after Ctrl-C; all that was measured was kept.
        ImageError, ValueError: if the photos or the representation cannot be used.
    """
    begun = before or begin(representation, photos, seed)
    count = sum(InnerStatistics(representation, begun.layers, torch.ones(1)).channels)
    measure = InnerStatistics(representation, begun.layers, torch.ones(2 * count), 1.0)
    rows = list(begun.measured)
    total = (_CROPS + 2) * len(photos)
    try:
        with measure.session(torch.device("cpu")):
            for _, image in islice(_images(representation, photos, seed), len(rows), None):
                rows.append(measure.encode(image)[0])
                progress(len(rows), total)
                if len(rows) % _KEPT == 0:
                    keep(replace(begun, measured=torch.stack(rows)))
    except KeyboardInterrupt:
        keep(replace(begun, measured=torch.stack(rows) if rows else begun.measured))
        raise
    statistics, codes = torch.stack(rows).split([2 * count, len(rows[0]) - 2 * count], 1)
    prediction = fit(codes, statistics, _photo_of(len(photos)), measure.channels)
    whole = torch.stack(rows[: 2 * len(photos) : 2])
    trained = replace(begun, measured=whole, prediction=prediction)
    keep(trained)
    return trained


def begin(representation: Representation, photos: Sequence[Path], seed: int) -> Decoder:
    """Return a decoder whose training has not begun.

    Raises:
        ValueError: if there are too few photos, or the codes are no vectors of a layer.
    """
    if len(photos) < FEWEST_PHOTOS:
        raise ValueError(
            f"training needs at least {FEWEST_PHOTOS} photos, not {len(photos)}: fewer say nothing "
            "about others"
        )
    layers = inner_layers(representation)
    shape = representation.code_shape(*(representation.default_size or DEFAULT_SIZE))
    if len(shape) > 1 or shape[0] > _MOST_VALUES:
        raise ValueError(
            f"a decoder is for vectors of up to {_MOST_VALUES} values, and codes of "
            f"{representation.name} have the shape {shape}: they say where things are, and need "
            "no decoder"
        )
    return Decoder(
        direction_name(representation), checksum_of(representation), layers,
        tuple(map(sha256, photos)), seed, torch.zeros(0),
    )  # fmt: skip


def _images(
    representation: Representation, photos: Sequence[Path], seed: int
) -> Iterator[tuple[int, Tensor]]:
    """Yield the index of a photo and an image of it: whole, mirrored, and then all crops."""
    prescribed = representation.preprocessing
    size = None if prescribed.size else DEFAULT_SIZE
    for index, path in enumerate(photos):
        whole = prescribed.load(path, size)[None]
        yield index, whole
        yield index, whole.flip(-1)
    yield from crop_photos(representation, photos, _CROPS * len(photos), seed)


def _photo_of(photos: int) -> Tensor:
    """Return the index of the photo of each image, in the order of `_images`."""
    indices = torch.arange(photos)
    return torch.cat([indices.repeat_interleave(2), indices.repeat_interleave(_CROPS)])


def fit(codes: Tensor, statistics: Tensor, photo_of: Tensor, channels: Sequence[int]) -> Prediction:
    """Return the linear map from directions of codes (M, L) to statistics (M, S).

    Its deviation is measured on photos that are left out, a fifth of them at a time.

    Args:
        codes: the directions.
        statistics: the statistics of the same images.
        photo_of: the index of the photo of each image.
        channels: the number of channels of each inner layer.
    """
    x, y = codes.double(), statistics.double()
    mean, spread = x.mean(0), x.std(0, correction=0)
    spread = spread.clamp_min(max(_LEAST_DEVIATION * float(spread.mean()), 1e-9))
    x, offset = (x - mean) / spread, y.mean(0)
    residual = torch.zeros_like(y)
    for fold in range(_FOLDS):
        out = photo_of % _FOLDS == fold
        left, known = x[~out].mean(0), y[~out].mean(0)
        weights = _ridge(x[~out] - left, y[~out] - known)
        residual[out] = y[out] - known - (x[out] - left) @ weights
    deviation = residual.square().mean(0).sqrt()
    parts = [part.clamp_min(_LEAST_DEVIATION * float(part.median()))
             for part in deviation.split([*channels, *channels])]  # fmt: skip
    deviation = torch.cat(parts).clamp_min(1e-6)
    weights, square = _ridge(x, y - offset), (y / deviation).square().mean()
    return Prediction(
        *(value.float() for value in (mean, spread, weights, offset, deviation, square))
    )


def _ridge(x: Tensor, y: Tensor) -> Tensor:
    """Return the weights W of least mean squared error of x W, with a weight on their squares."""
    gram = x.T @ x / len(x) + _RIDGE * torch.eye(x.shape[1], dtype=x.dtype)
    return torch.linalg.solve(gram, x.T @ y / len(x))
