"""M of section 6: the largest response of a target to photos.

M comes from the statistics of `preimage stats` if there are any of at least as many photos as are
shipped, and is otherwise measured on the shipped photos. If there are fewer photos than classes,
some classes are not shown: M of a class is then the largest response of any class.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from preimage.photo_files import Photos, listed_photos, photo_paths
from preimage.representations.base import Representation
from preimage.representations.code_grid import CodeGrid
from preimage.representations.layer import Layer
from preimage.representations.layers import Layers
from preimage.statistics import ChannelStatistics, load_known, measure
from preimage.targets import AnyTarget, FunctionTarget, Target, Term
from preimage.visualizations.layout import own_size


@dataclass(frozen=True, slots=True)
class ResponseRange:
    """The range of a target's responses to photos; `largest` is M."""

    largest: float
    smallest: float

    @property
    def is_dead(self) -> bool:
        """True if the response to all photos is the same (a dead unit)."""
        return self.largest - self.smallest <= 1e-6 * abs(self.largest)

    def beside(self, others: ResponseRange) -> ResponseRange:
        """Return this M with a range as wide as the largest distance of other responses from it.

        >>> ResponseRange(5.0, 5.0).beside(ResponseRange(4.0, -3.0))
        ResponseRange(largest=5.0, smallest=-3.0)
        """
        away = max(others.largest - self.largest, self.largest - others.smallest, 0.0)
        return ResponseRange(self.largest, self.largest - away)

    @property
    def scale(self) -> float:
        """M; if no response is positive, the magnitude of the most negative response."""
        return self.largest if self.largest > 0 else max(-self.smallest, 1e-6)


class Measured(NamedTuple):
    """The range of each target's responses to photos, and the photos in words."""

    ranges: Sequence[ResponseRange]
    words: str

    def select(self, targets: slice) -> Measured:
        """Return the ranges of only some of the targets."""
        return Measured(self.ranges[targets], self.words)


def given_ranges(maxima: Sequence[float], count: int) -> list[ResponseRange]:
    """Return the ranges of `count` targets whose M a user gives; each M must be positive."""
    if len(maxima) != count or not all(maximum > 0 for maximum in maxima):
        raise ValueError(
            f"{count} targets need as many positive maxima, not {maxima}; without maxima, they are "
            "measured"
        )
    return [ResponseRange(float(maximum), 0.0) for maximum in maxima]


def find_ranges(
    representation: Representation,
    targets: Sequence[AnyTarget],
    device: torch.device,
    reference: Photos | None = None,
    size: int | tuple[int, int] | None = None,
) -> Measured:
    """Return the range of each target's responses to photos, and a description of the photos.

    The range of a sum of terms is the sum of their ranges. The photos are the `reference`; by
    default the photos of known statistics, or else the shipped photos. A target that has the same
    response to all given photos, as a class score has to a single photo, still counts as alive if
    its response to the shipped photos is another. Functions get the codes of photos of the `size`
    of the run, and return one response for each.
    """
    side = (size, size) if isinstance(size, int) else size
    photos = None if reference is None else listed_photos("reference", reference)
    ranges, words = _find_ranges(representation, targets, device, photos, side)
    has_others = photos is not None and _takes_shipped(representation)
    if not has_others or not any(found.is_dead for found in ranges):
        return Measured(ranges, words)
    others = _measure(representation, targets, device, photo_paths(), side)
    pairs = zip(ranges, others, strict=True)
    beside = [own.beside(other) if own.is_dead else own for own, other in pairs]
    return Measured(beside, words)


def _find_ranges(
    representation: Representation,
    targets: Sequence[AnyTarget],
    device: torch.device,
    reference: Sequence[Path] | None,
    size: tuple[int, int] | None,
) -> tuple[list[ResponseRange], str]:
    """Return the range of each target's responses to these photos, and the photos in words."""
    layers = representation.layers
    sums = [target for target in targets if isinstance(target, Target)]
    terms = [term for target in sums for term in target.terms]
    if layers and len(sums) == len(targets) and all(map(_is_in_statistics, terms)):
        found = _statistics(layers, device, reference)
        if found is not None:
            count = min(len(statistics.images) for statistics in found.values())
            return [_from_statistics(target, found) for target in sums], _in_words(count)
    if reference is None and not _takes_shipped(representation):
        count = representation.preprocessing.channels
        raise ValueError(
            f"the shipped photos have no {count} channels, as {representation.name} takes them: "
            f"give reference=... (--reference), photos of {count} channels, or maxima"
        )
    photos = photo_paths() if reference is None else reference
    return _measure(representation, targets, device, photos, size), _in_words(len(photos))


def _is_in_statistics(term: Term) -> bool:
    """Tell whether statistics hold the term's responses: those of a channel, not of its mean."""
    is_channel = not isinstance(term.feature, Tensor)
    return is_channel and not term.is_token and term.position != "everywhere"


def _takes_shipped(representation: Representation) -> bool:
    """Tell whether the shipped photos, which are in color, have the channels that are wanted."""
    return representation.preprocessing.channels in (1, 3)


def _in_words(photos: int) -> str:
    return "1 photo" if photos == 1 else f"{photos} photos"


def _statistics(
    layers: Mapping[str | None, Layer], device: torch.device, reference: Sequence[Path] | None
) -> dict[str | None, ChannelStatistics] | None:
    """Return each layer's statistics over `reference`, or else known ones; None if one has none.

    Known ones count if they are of as many photos as are shipped: those that another call measured
    on a single photo do not tell what a unit responds to.
    """
    if reference is not None:
        measured = measure(Layers(list(layers.values())), reference, device=str(device))
        return {name: measured[layer.layer] for name, layer in layers.items()}
    enough = len(photo_paths())
    known = {name: load_known(layer, least=enough) for name, layer in layers.items()}
    found = {name: statistics for name, statistics in known.items() if statistics is not None}
    return found if len(found) == len(layers) else None


def _from_statistics(
    target: Target, statistics: Mapping[str | None, ChannelStatistics]
) -> ResponseRange:
    """Return the range of a target whose terms are channels."""
    largest = smallest = 0.0
    for term in target.terms:
        of_layer = term.pick(statistics)
        channels = len(of_layer.maximum)
        if not isinstance(term.feature, int) or not 0 <= term.feature < channels:
            raise ValueError(f"channel {term.feature} is not among 0-{channels - 1}")
        place = np.asarray(term.feature)
        high, low = float(of_layer.maximum[place]), float(of_layer.minimum[place])
        if term.class_name and len(of_layer.images) < channels:
            high = float(of_layer.maximum.max())
        ends = (term.weight * high, term.weight * low)
        largest, smallest = largest + max(ends), smallest + min(ends)
    return ResponseRange(largest, smallest)


def _measure(
    representation: Representation,
    targets: Sequence[AnyTarget],
    device: torch.device,
    photos: Sequence[Path],
    size: tuple[int, int] | None,
) -> list[ResponseRange]:
    """Return the range of each target over all positions of the photos."""
    features = [term.feature for target in targets for term in target.terms]
    if any(isinstance(feature, Tensor) and feature.ndim > 1 for feature in features):
        size = own_size(representation, targets)
    elif not any(isinstance(target, FunctionTarget) for target in targets):
        size = None
    ranges = []
    for photo in photos:
        image = representation.preprocessing.load(photo, size)[None].to(device)
        height, width = image.shape[-2:]
        grids = representation.code_grids(height, width)  # raises if the photo is too small
        with torch.no_grad():
            outputs = representation.outputs(image)
            ranges.append([_part_ranges(target, outputs, grids, len(photos)) for target in targets])
    return [_add_up(of_target) for of_target in zip(*ranges, strict=True)]


def _part_ranges(
    target: AnyTarget,
    outputs: Mapping[str | None, Tensor],
    grids: Mapping[str | None, CodeGrid],
    photos: int,
) -> list[ResponseRange]:
    """Return the range of each term's responses to one photo, of `photos` photos in all.

    Of a function, it is a single range.

    Raises:
        ValueError: if the response of a function is NaN or infinite.
    """
    if isinstance(target, FunctionTarget):
        value = float(target.response(outputs))
        if not math.isfinite(value):
            raise ValueError(
                f"the response of {target} to a photo is {value}: return finite values"
            )
        return [ResponseRange(value, value)]
    ranges = []
    for term in target.terms:
        codes = term.pick(outputs)
        values = term.responses(codes, term.pick(grids))
        high, low = float(values.max()), float(values.min())
        if term.class_name and codes.shape[1] > photos:
            high = max(high, float((term.weight * codes).max()))
        ranges.append(ResponseRange(high, low))
    return ranges


def _add_up(photos: Sequence[Sequence[ResponseRange]]) -> ResponseRange:
    """Return a target's range over all photos, from the ranges of its parts in each photo."""
    terms = list(zip(*photos, strict=True))
    return ResponseRange(
        sum(max(r.largest for r in term) for term in terms),
        sum(min(r.smallest for r in term) for term in terms),
    )
