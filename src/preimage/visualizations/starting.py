"""The images that a run starts from in place of noise: photos, or the images of another result."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from preimage.decoding import ImageLike
from preimage.preprocessing import Preprocessing
from preimage.visualizations.pre_image import PreImage


@dataclass(frozen=True, slots=True)
class Rough:
    """Pictures that are only roughly like the results: one, or one for each source.

    They show what the results show, and are not cropped as photos may be. A run from them has all
    parts of its solver; one from photos or a result leaves out the jittered part of
    jittered-lbfgs.
    """

    pictures: Sequence[ImageLike]


StartLike: TypeAlias = ImageLike | PreImage | Sequence[ImageLike] | Rough
"""A photo, a photo for each source, or a result (also the path of a saved one, `.npz`)."""


class Start(NamedTuple):
    """The images (N, D, H, W) that the results start from, and each in words.

    Both are None for noise. `is_rough` says whether they are `Rough`.
    """

    images: Tensor | None = None
    words: tuple[str, ...] | None = None
    is_rough: bool = False


def find_start(
    preprocessing: Preprocessing,
    start: StartLike | None,
    size: int | tuple[int, int] | None,
    image_size: tuple[int, int],
    sources: Sequence[int],
    count: int,
) -> Start:
    """Return what each result starts from.

    Photos are resized to the images' size, in the way that the preprocessing prescribes if it
    prescribes this size and the user asks for no other.

    Args:
        preprocessing: the preprocessing of the representation.
        start: what a user gives; None for noise.
        size: the size that a user asks for, if any.
        image_size: height and width of the images.
        sources: the index of the source of each result.
        count: the number of sources.

    Raises:
        ImageError: if a photo cannot be used.
        ValueError: if the number of photos or of results, or the size of the results, is wrong.
    """
    if start is None:
        return Start()
    if isinstance(start, Rough):
        pictures = list(start.pictures)
        found = find_start(preprocessing, pictures, image_size, image_size, sources, count)
        return found._replace(is_rough=True)
    if isinstance(start, str | os.PathLike) and Path(start).suffix == ".npz":
        start = PreImage.load(start)
    if isinstance(start, PreImage):
        return _of_result(preprocessing, start, image_size, len(sources))
    listed: Sequence[ImageLike] = start if isinstance(start, list | tuple) else [start]  # type: ignore[list-item]
    if len(listed) not in (1, count):
        raise ValueError(
            f"start needs one photo, or one for each of the {count} sources, not {len(listed)}"
        )
    as_prescribed = size is None and preprocessing.size == image_size
    photos = [preprocessing.load(p, None if as_prescribed else image_size) for p in listed]
    chosen = [source if len(listed) > 1 else 0 for source in sources]
    words = [os.fspath(p) if isinstance(p, str | os.PathLike) else "image" for p in listed]
    return Start(torch.stack(photos)[chosen], tuple(words[n] for n in chosen))


def _of_result(
    preprocessing: Preprocessing, given: PreImage, image_size: tuple[int, int], count: int
) -> Start:
    """Return the images of a result, in the units of this preprocessing, as `count` starts."""
    images = given.images
    if given.preprocessing != preprocessing:
        images = torch.stack([preprocessing.to_core(x) for x in given.preprocessing.to_255(images)])
    shape = (preprocessing.channels, *image_size)
    if tuple(images.shape[1:]) != shape:
        raise ValueError(
            f"the result to start from has images of shape {tuple(images.shape[1:])}, but this run "
            f"has images of shape {shape}: give the arguments that the result was made with"
        )
    if len(images) not in (1, count):
        raise ValueError(
            f"start needs a single result, or one for each of the {count} of this run, in their "
            f"order, not {len(images)}"
        )
    first = "photo" if given.visualization == "caricature" else "noise"
    before = given.start or (first,) * len(given)
    words = tuple(f"{word}, {len(given.trace.loss)} steps" for word in before)
    chosen = range(count) if len(images) > 1 else [0] * count
    return Start(images[list(chosen)], tuple(words[n] for n in chosen))
