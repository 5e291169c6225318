"""M of section 6: how strongly photos excite a target.

It comes from the statistics of `preimage stats` where they are known, and is otherwise
measured on the shipped photos. Fewer photos than classes do not show every class, and would
understate its score: M is then that of the class that they show best.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from preimage.photo_files import shipped_photos
from preimage.representations.base import Representation
from preimage.representations.layer import Layer
from preimage.representations.layers import Layers
from preimage.statistics import ChannelStatistics, load_known, measure
from preimage.targets import Target, Term
from preimage.visualizations.picture import own_size

PathLike = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class Response:
    """The extremes of a target's response to photos."""

    largest: float
    smallest: float

    @property
    def is_dead(self) -> bool:
        """Whether no photo moves it."""
        return self.largest - self.smallest <= 1e-6 * abs(self.largest)

    @property
    def scale(self) -> float:
        """M, or where all responses are negative the size of the strongest."""
        return self.largest if self.largest > 0 else max(-self.smallest, 1e-6)


def find_responses(
    representation: Representation,
    targets: Sequence[Target],
    device: torch.device,
    images: Sequence[PathLike] | None = None,
) -> tuple[list[Response], str]:
    """The response of each target to photos, and to which; of a sum, the terms' add up.

    Args:
        representation: what the targets are of.
        targets: the targets.
        device: where to compute.
        images: the photos; if not given, those of known statistics, or the shipped ones.
    """
    layers = representation.layers
    features = [term.feature for target in targets for term in target.terms]
    if layers and not any(isinstance(feature, Tensor) for feature in features):
        found = _statistics(layers, device, images)
        if found is not None:
            count = min(len(statistics.images) for statistics in found.values())
            return [_from_statistics(target, found) for target in targets], f"{count} photos"
    photos: Sequence[PathLike] = list(shipped_photos().values()) if images is None else images
    return _measure(representation, targets, device, photos), f"{len(photos)} photos"


def _statistics(
    layers: Mapping[str | None, Layer], device: torch.device, images: Sequence[PathLike] | None
) -> dict[str | None, ChannelStatistics] | None:
    """The statistics of each layer, measured where images are given; None if unknown."""
    if images is not None:
        measured = measure(Layers(list(layers.values())), images, device=str(device))
        return {name: measured[layer.layer] for name, layer in layers.items()}
    known = {name: load_known(layer) for name, layer in layers.items()}
    found = {name: statistics for name, statistics in known.items() if statistics is not None}
    return found if len(found) == len(layers) else None


def _from_statistics(
    target: Target, statistics: Mapping[str | None, ChannelStatistics]
) -> Response:
    largest = smallest = 0.0
    for term in target.terms:
        of_layer = term.pick(statistics)
        place = np.asarray(_channel(term, len(of_layer.maximum)))
        high, low = float(of_layer.maximum[place]), float(of_layer.minimum[place])
        if term.class_name and len(of_layer.images) < len(of_layer.maximum):
            high = float(of_layer.maximum.max())
        ends = (term.weight * high, term.weight * low)
        largest, smallest = largest + max(ends), smallest + min(ends)
    return Response(largest, smallest)


def _channel(term: Term, channels: int) -> int:
    if not isinstance(term.feature, int) or not 0 <= term.feature < channels:
        raise ValueError(f"channel {term.feature} is not among 0-{channels - 1}")
    return term.feature


def _measure(
    representation: Representation,
    targets: Sequence[Target],
    device: torch.device,
    photos: Sequence[PathLike],
) -> list[Response]:
    """From the responses at all positions of photos."""
    features = [term.feature for target in targets for term in target.terms]
    whole = any(isinstance(feature, Tensor) and feature.ndim > 1 for feature in features)
    size = own_size(representation, targets) if whole else None
    responses = []
    for photo in photos:
        image = representation.preprocessing.load(photo, size)[None].to(device)
        representation.code_shape(*image.shape[-2:])
        with torch.no_grad():
            outputs = representation.outputs(image)
        responses.append([_extremes(target, outputs, len(photos)) for target in targets])
    return [_add_up(of_target) for of_target in zip(*responses, strict=True)]


_Extremes = list[tuple[float, float]]


def _extremes(target: Target, outputs: Mapping[str | None, Tensor], photos: int) -> _Extremes:
    """The largest and the smallest response of each term."""
    extremes = []
    for term in target.terms:
        codes = term.pick(outputs)
        values = term.responses(codes)
        high, low = float(values.max()), float(values.min())
        if term.class_name and codes.shape[1] > photos:
            scores = term.weight * codes
            high = max(high, float(scores.max()))
        extremes.append((high, low))
    return extremes


def _add_up(photos: Sequence[_Extremes]) -> Response:
    """From the extremes of each term in each photo to those of their sum over all photos."""
    terms = list(zip(*photos, strict=True))
    return Response(
        sum(max(high for high, _ in term) for term in terms),
        sum(min(low for _, low in term) for term in terms),
    )
