"""What the visualizations share: photos, the canvas of the jitter, noise to start from."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from preimage.images import ImageLike, stack_images
from preimage.preprocessing import Preprocessing
from preimage.representations.base import Representation
from preimage.settings import Settings


def noise(shape: tuple[int, int, int], pixel_norm: float, generator: torch.Generator) -> Tensor:
    """The start of an inversion: uniform noise (D, H, W).

    Uniform in [-1, 1], divided by its own 95 % quantile and multiplied by B / sqrt(3), as
    the authors' code has it.
    """
    values = torch.rand(shape, generator=generator) * 2 - 1
    rank = max(1, math.ceil(0.95 * values.numel()))
    quantile = values.flatten().kthvalue(rank).values
    return values * (pixel_norm / math.sqrt(3) / quantile)


def load_images(
    preprocessing: Preprocessing,
    images: ImageLike | Sequence[ImageLike],
    size: int | tuple[int, int] | None,
) -> Tensor:
    """One image or several in the core's units, (N, D, H, W)."""
    listed: Sequence[ImageLike] = images if isinstance(images, list | tuple) else [images]  # type: ignore[list-item]
    if not listed:
        raise ValueError("no image was given")
    return stack_images([preprocessing.load(image, size) for image in listed])


def canvas_shape(
    representation: Representation, settings: Settings, size: tuple[int, int]
) -> tuple[int, int, int]:
    """(D, H, W) of the image with the margin of its jitter."""
    margin = settings.shifts(representation) - 1
    return (representation.preprocessing.channels, size[0] + margin, size[1] + margin)


def check_representation(representation: object) -> None:
    """Raises TypeError for what is no representation."""
    if not isinstance(representation, Representation):
        raise TypeError(
            "the representation must be one, as preimage.HOG() or preimage.representation('hog'), "
            f"not {representation!r}"
        )


def check_seeds(seeds: object) -> None:
    """Raises TypeError or ValueError for what is no list of seeds."""
    if not isinstance(seeds, Sequence):
        raise TypeError(f"seeds must be a list or a range of seeds, not {seeds!r}")
    if not seeds:
        raise ValueError("no seed was given")
