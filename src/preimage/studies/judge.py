"""Judges: networks that had no part in a picture say what they see in it.

A low error shows that the network that was inverted takes a picture for the photo. Other networks
tell whether it is one. They are given the picture as a user sees it, in 8 bits, resized to their
input.

    >>> import numpy, preimage
    >>> result = preimage.invert(preimage.HOG(), numpy.random.default_rng(0).random((64, 64)))
    >>> judgement = Judge([])(result)
    >>> round(judgement.saturation, 3), judgement.feature_distance is None
    (0.0, True)
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import cosine_similarity

from preimage.catalog import network
from preimage.networks import Network
from preimage.preprocessing import DEFAULT_SIZE
from preimage.representations.layer_path import LayerPath
from preimage.representations.scores import probabilities
from preimage.studies.colors import color_error, saturation
from preimage.studies.natural_statistics import (
    contrast,
    natural_gradients,
    resized,
    spectrum_slope,
)
from preimage.visualizations import PreImage


@dataclass(frozen=True, slots=True, repr=False)
class Judgement:
    """The numbers of a judged picture; those that do not apply are None.

    Printed, it shows the numbers that apply, rounded:

    >>> Judgement(feature_distance=0.7213, judge_agrees=0.0, saturation=3.36e-15)
    Judgement(feature_distance=0.721, judge_agrees=0, saturation=0)

    With several judges, or as a mean over several pictures, each number is a mean.

    Attributes:
        feature_distance: 1 - cosine of the judge's features of picture and photo, which are the
            input of its score layer, averaged over positions.
        judge_agrees: whether the judge puts picture and photo in the same class, 0 or 1.
        judge_probability: of a maximized class, the probability that the judge gives it; None if
            the judge has no class of this name.
        judge_top_1: whether this class is the judge's first, 0 or 1.
        color_error: mean distance of the colors from the photo's in CIELAB (Delta E 76).
        saturation: mean of the absolute chromas a and b in CIELAB.
        saturation_ratio: the saturation divided by the photo's; None for a gray photo.
        contrast: standard deviation of all values, 0..255.
        spectrum_slope: see `natural_statistics.spectrum_slope`.
        natural_gradients: see `natural_statistics.natural_gradients`.
    """

    feature_distance: float | None = None
    judge_agrees: float | None = None
    judge_probability: float | None = None
    judge_top_1: float | None = None
    color_error: float | None = None
    saturation: float | None = None
    saturation_ratio: float | None = None
    contrast: float | None = None
    spectrum_slope: float | None = None
    natural_gradients: float | None = None

    def __repr__(self) -> str:
        known = {name: number for name in MEASURES if (number := getattr(self, name)) is not None}
        shown = (f"{name}={round(number, 4) + 0.0:.3g}" for name, number in known.items())
        return f"Judgement({', '.join(shown)})"


_GRAY = 1e-3
"""Largest saturation of a gray photo, which rounding gives it."""

MEASURES = tuple(field.name for field in dataclasses.fields(Judgement))
"""The names of all numbers of a judgement."""


def mean_judgement(judgements: Sequence[Judgement]) -> Judgement:
    """Return the mean of each number over the judgements in which it is known.

    >>> mean = mean_judgement([Judgement(contrast=1.0), Judgement(contrast=2.0, judge_agrees=1.0)])
    >>> mean.contrast, mean.judge_agrees, mean.feature_distance
    (1.5, 1.0, None)
    """
    means = {}
    for name in MEASURES:
        known = [number for j in judgements if (number := getattr(j, name)) is not None]
        means[name] = fmean(known) if known else None
    return Judgement(**means)


class Judge:
    """Networks that judge pictures in whose making they had no part.

    Calling it with a result returns the `Judgement` of one of its pictures.

    Args:
        networks: networks, or their names, such as "efficientnet-lite1". Without any, only the
            numbers that need no network are measured.

    Raises:
        ValueError: if there is no such network, or its weights are not on this machine.
    """

    def __init__(self, networks: Sequence[Network | str]) -> None:
        self.networks = [network(one) if isinstance(one, str) else one for one in networks]
        for one in self.networks:
            if one.preprocessing.channels not in (1, 3):
                raise ValueError(
                    f"{one.name} cannot judge pictures: it takes images of "
                    f"{one.preprocessing.channels} channels, not of 1 or 3"
                )

    def __call__(
        self, result: PreImage, index: int = 0, class_name: str | None = None
    ) -> Judgement:
        """Judge the picture of result `index`, against its photo if there is one.

        `class_name` names the maximized class; by default it is the result's target.
        """
        photo = None
        if result.originals is not None:
            photo = result.preprocessing.to_pil(result.originals[index])
        if class_name is None and result.targets is not None:
            class_name = result.targets[index]
        return self.judge(result.to_pil(index), photo, class_name)

    def describe(
        self, result: PreImage, index: int = 0, class_name: str | None = None
    ) -> dict[str, Any]:
        """Return the judges' names and the numbers that apply, as plain data for a sidecar."""
        numbers = dataclasses.asdict(self(result, index, class_name))
        known = {name: number for name, number in numbers.items() if number is not None}
        return {"judge": [one.name for one in self.networks], **known}

    def without_class(self, class_name: str) -> tuple[str, ...]:
        """Return the names of the judges that have no class of this name, so no probability of it.

        `class_name` may hold several names of a class, separated by commas; one is enough.
        """
        lack = (one for one in self.networks if _class_index(one, class_name) is None)
        return tuple(one.name for one in lack)

    def check_has_classes(self) -> None:
        """Raise ValueError if no judge has classes with names."""
        if not any(one.classes for one in self.networks):
            raise ValueError(
                f"the judge {', '.join(one.name for one in self.networks)} has no names of "
                "classes: give one that has"
            )

    def names(self, picture: Image.Image, count: int = 3) -> tuple[tuple[str, float], ...]:
        """Return the classes that a picture most probably shows, with their probabilities.

        A class is called by its first name. With several judges, probabilities are means; a judge
        that lacks a class gives it 0.

        Raises:
            ValueError: if no judge has classes with names.
        """
        self.check_has_classes()
        named = [one for one in self.networks if one.classes]
        chances: dict[str, float] = {}
        for one in named:
            (row,) = features_and_probabilities(one, [picture])[1].tolist()
            for name, chance in zip(one.classes, row, strict=True):
                first = name.split(",")[0]
                chances[first] = chances.get(first, 0.0) + chance / len(named)
        return tuple(sorted(chances.items(), key=lambda item: -item[1])[:count])

    def judge(
        self, picture: Image.Image, photo: Image.Image | None = None, class_name: str | None = None
    ) -> Judgement:
        """Judge a picture, against the photo and the class that it shall show, if any."""
        pictures = [picture] if photo is None else [picture, photo]
        views = [_view(one, pictures, class_name) for one in self.networks]
        return mean_judgement([*views, _measure_pictures(*map(resized, pictures))])


def _measure_pictures(picture: Tensor, photo: Tensor | None = None) -> Judgement:
    """Return the numbers that need no network; both are (3, SIDE, SIDE), 0..255."""
    own = saturation(picture)
    of_photo = 0.0 if photo is None else saturation(photo)
    return Judgement(
        color_error=None if photo is None else color_error(picture, photo),
        saturation=own,
        saturation_ratio=own / of_photo if of_photo > _GRAY else None,
        contrast=contrast(picture),
        spectrum_slope=spectrum_slope(picture),
        natural_gradients=natural_gradients(picture),
    )


def _view(judge: Network, pictures: Sequence[Image.Image], class_name: str | None) -> Judgement:
    """Return what a network says of a picture and, if it follows, its photo."""
    features, chances = features_and_probabilities(judge, pictures)
    index = None if class_name is None else _class_index(judge, class_name)
    first = [int(row.argmax()) for row in chances]
    has_photo = len(pictures) > 1
    return Judgement(
        feature_distance=1 - _cosine(features[0], features[1]) if has_photo else None,
        judge_agrees=float(first[0] == first[1]) if has_photo and judge.classes else None,
        judge_probability=None if index is None else float(chances[0, index]),
        judge_top_1=None if index is None else float(first[0] == index),
    )


def features_and_probabilities(
    judge: Network, pictures: Sequence[Image.Image]
) -> tuple[Tensor, Tensor]:
    """Return a judge's features of pictures, averaged over positions, and its class probabilities.

    The features (N, K) are the input of its score layer; the probabilities are (N, classes).
    """
    size = judge.preprocessing.size or DEFAULT_SIZE
    inputs = (resized(picture, *size) for picture in pictures)
    images = torch.stack([judge.preprocessing.to_core(picture) for picture in inputs])
    scores = judge.score_layer
    path = LayerPath.parse(judge.module, scores)
    has_input = bool(path.module) and not path.steps and not path.takes_input
    features = f"{scores}.input" if has_input else scores
    with torch.no_grad():
        outputs = judge.several([features, scores]).outputs(images)
    return _pooled(outputs[features]).double(), probabilities(outputs[scores])


def _cosine(a: Tensor, b: Tensor) -> float:
    return float(cosine_similarity(a, b, dim=0))


def _pooled(codes: Tensor) -> Tensor:
    """Return codes (N, K, H, W) or tokens (N, T, K), averaged over positions, (N, K)."""
    if codes.ndim == 3:
        return codes.mean(1)
    return codes.flatten(2).mean(2) if codes.ndim > 3 else codes


def _class_index(judge: Network, name: str) -> int | None:
    """Return the index of the class that has one of a class's names; None if there is none."""
    for synonym in name.split(","):
        if not synonym.strip().isdecimal():
            with contextlib.suppress(ValueError):
                return judge.class_index(synonym)
    return None
