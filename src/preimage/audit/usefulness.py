"""The usefulness of defended vectors to their owner, and which photos they still betray.

A store of photos' vectors is searched: for the same photos, shifted, cropped and compressed; and
for the nearest other photo, which should be of the same class. An attacker searches it as well,
with his copy of a photo, to find out whether the photo is in it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import normalize

from preimage.audit.candidate_search import CROPS
from preimage.audit.candidates import match_candidates, nearest_rows
from preimage.audit.defenses import Defense
from preimage.audit.intervals import mean_interval, rate_interval
from preimage.audit.reference import crop_photos
from preimage.images import resize_image
from preimage.networks import Network
from preimage.preprocessing import Preprocessing
from preimage.representations.base import Representation
from preimage.studies.judge import features_and_probabilities

_SAME = 1.0
"""The angle in degrees below which a stored vector is that of a photo itself."""

_EQUAL = 1e-6
"""The difference of two cosines that are equal up to rounding."""

_SHIFT, _CUT = 1 / 8, 1 / 5
_SMALLER, _QUALITY = 0.5, 30

FEWEST_OF_CLASS = 8
"""The number of photos with another one of their class below which classes are not looked for."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of photos with its interval.

    Attributes:
        name: such as "retrieval".
        value: the share.
        low: the lower end of its interval.
        high: the upper end.
        chance: the share by chance.
        photos: the number of photos.
    """

    name: str
    value: float
    low: float
    high: float
    chance: float
    photos: int


@dataclass(frozen=True, slots=True)
class Known:
    """Codes of photos, of changed photos and of others, before any defense.

    Attributes:
        codes: the codes of the photos, (N, ...).
        edits: the codes of the photos after a change, by its name, (N, ...) each.
        crops: codes of crops of the photos, (L, ...).
        photo_of: the index of the photo of each crop, (L,).
        others: codes that are in the store, too, (M, ...).
        classes: the class of each photo, (N,); None if unknown.
    """

    codes: Tensor
    edits: Mapping[str, Tensor]
    crops: Tensor
    photo_of: Tensor
    others: Tensor
    classes: Tensor | None = None


def encode_known(
    phi: Representation,
    photos: Sequence[Path],
    codes: Tensor,
    others: Tensor,
    classes: Tensor | None = None,
    seed: int = 0,
) -> Known:
    """Return what is needed to search stores of photos.

    Args:
        phi: the representation.
        photos: the photos.
        codes: their codes, (N, ...).
        others: stored codes, (M, ...). Those of the photos themselves are left out.
        classes: the class of each photo.
        seed: the seed of the crops.
    """
    edits: dict[str, list[Tensor]] = {}
    cropped, index = [], []
    with phi.session(torch.device("cpu")):
        for path in photos:
            image = phi.preprocessing.load(path, phi.default_size)
            for name, edited in edit(image, phi.preprocessing).items():
                edits.setdefault(name, []).append(phi.encode(edited[None]))
        for photo, crop in crop_photos(phi, photos, max(CROPS, len(photos)), seed):
            index.append(photo)
            cropped.append(phi.encode(crop))
    is_other = nearest_rows(codes, others)[1] > _SAME if len(others) else torch.zeros(0).bool()
    return Known(
        codes=codes,
        edits={name: torch.cat(found) for name, found in edits.items()},
        crops=torch.cat(cropped),
        photo_of=torch.tensor(index),
        others=others[is_other],
        classes=classes,
    )


def edit(image: Tensor, preprocessing: Preprocessing) -> dict[str, Tensor]:
    """Return an image of the core (D, H, W) shifted, cropped, and compressed at half its size."""
    height, width = image.shape[-2:]
    down, right = int(height * _SHIFT), int(width * _SHIFT)
    top, left = int(height * _CUT / 2), int(width * _CUT / 2)
    file = io.BytesIO()
    picture = preprocessing.to_pil(image)
    smaller = (max(int(width * _SMALLER), 1), max(int(height * _SMALLER), 1))
    picture.resize(smaller, Image.Resampling.BICUBIC).save(file, "JPEG", quality=_QUALITY)
    with Image.open(file) as compressed:
        compressed.load()
    parts = {
        "shifted": image[:, down:, right:],
        "cropped": image[:, top : height - top, left : width - left],
    }
    return {
        **{name: resize_image(part, height, width) for name, part in parts.items()},
        "compressed": preprocessing.load(compressed, (height, width)),
    }


def classes_of(pictures: Sequence[Image.Image], judges: Sequence[Network]) -> Tensor | None:
    """Return the class that the first judge with classes gives each picture, (N,), if any has."""
    judge = next((one for one in judges if one.classes), None)
    return None if judge is None else features_and_probabilities(judge, pictures)[1].argmax(1)


def measure_use(defense: Defense, known: Known, seed: int = 0) -> tuple[Rate, ...]:
    """Return how well the owner's searches of the defended store do.

    The first rate, `retrieval`, is the mean over all changes of the photos. `same_class` is missing
    if too few photos have another one of their class.
    """
    store = defense.store(torch.cat([known.codes, known.others]))
    found = {
        name: _is_found(store, defense.query(queries)) for name, queries in known.edits.items()
    }
    of_all = torch.stack(list(found.values())).double().mean(0)
    chance, rates = 1 / len(store), [_mean("retrieval", of_all, 1 / len(store), seed)]
    rates += [_rate(name, hits, chance) for name, hits in found.items()]
    if known.classes is not None:
        queries = defense.query(known.codes)
        rates += _class_rates(store[: len(queries)], queries, known.classes, seed)
    return tuple(rates)


def measure_membership(defense: Defense, known: Known) -> Rate:
    """Return the share of stored photos that an attacker who has them finds in the store.

    One half of the photos is in the store, and the threshold comes from the other half and its
    crops; then the halves are exchanged. Chance is the rate of false matches.
    """
    is_even = torch.arange(len(known.codes)) % 2 == 0
    guesses, crops = defense.guess(known.codes), defense.guess(known.crops)
    hits, rates = [], []
    for inside in (is_even, ~is_even):
        store = defense.store(torch.cat([known.codes[inside], known.others]))
        outside = torch.cat([guesses[~inside], crops[~inside[known.photo_of]]])
        matches = match_candidates(store, guesses[inside], outside)
        hits.append(matches.found)
        rates.append(matches.threshold.false_rate)
    return _rate("matched", torch.cat(hits), sum(rates) / len(rates))


def _is_found(store: Tensor, queries: Tensor) -> Tensor:
    """Return for each of the first vectors whether it is nearest to its query, (N,).

    A vector that several photos share is found by each; others may not be equally near.
    """
    cosines = _directions(queries) @ _directions(store).T
    others = cosines.masked_fill(_shares_vector(store, len(queries)), -2)
    found: Tensor = cosines.diagonal() > others.max(1).values + _EQUAL
    return found & (others.max(1).values > -2)


def _shares_vector(store: Tensor, count: int) -> Tensor:
    """Return whether each of the first vectors is the same as each vector, (N, M)."""
    _, number = store.flatten(1).unique(dim=0, return_inverse=True)
    return number[:count, None] == number


def _class_rates(store: Tensor, queries: Tensor, classes: Tensor, seed: int) -> list[Rate]:
    """Return the share of photos whose nearest other vector is of a photo of their class."""
    same = classes[:, None] == classes
    same.fill_diagonal_(False)
    counted = same.any(1)
    if int(counted.sum()) < FEWEST_OF_CLASS:
        return []
    own = _shares_vector(store, len(store))
    cosines = (_directions(queries) @ _directions(store).T).masked_fill(own, -2)
    nearest = (cosines >= cosines.max(1, keepdim=True).values - _EQUAL) & ~own
    share = (nearest & same).sum(1) / nearest.sum(1).clamp(min=1)
    by_chance = float((same.sum(1) / (len(same) - 1))[counted].mean())
    return [_mean("same_class", share[counted].double(), by_chance, seed)]


def _rate(name: str, hits: Tensor, chance: float) -> Rate:
    low, high = rate_interval(int(hits.sum()), len(hits))
    return Rate(name, float(hits.double().mean()), low, high, chance, len(hits))


def _mean(name: str, shares: Tensor, chance: float, seed: int) -> Rate:
    if ((shares == 0) | (shares == 1)).all():
        return _rate(name, shares > 0, chance)
    low, high = mean_interval(shares.numpy(), (0, 1), seed)
    return Rate(name, float(shares.mean()), float(low), float(high), chance, len(shares))


def _directions(codes: Tensor) -> Tensor:
    return normalize(codes.flatten(1).double(), dim=1)
