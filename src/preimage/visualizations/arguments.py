"""Checks of arguments that the visualizations share, and the photos among them."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from preimage.images import ImageLike, stack_images
from preimage.preprocessing import Preprocessing
from preimage.representations.base import Representation


def check_representation(representation: object) -> None:
    """Raise TypeError unless this is a representation."""
    if not isinstance(representation, Representation):
        raise TypeError(
            "the representation must be one such as preimage.HOG() or "
            f"preimage.representation('hog'), not {representation!r}"
        )


def check_seeds(seeds: object) -> None:
    """Raise TypeError unless this is a sequence, and ValueError if it is empty."""
    if not isinstance(seeds, Sequence):
        raise TypeError(f"seeds must be a list or a range of seeds, not {seeds!r}")
    if not seeds:
        raise ValueError("no seed was given")


def load_photos(
    preprocessing: Preprocessing,
    photos: ImageLike | Sequence[ImageLike],
    size: int | tuple[int, int] | None,
) -> Tensor:
    """Return one photo or several as images of the core, (N, D, H, W).

    Raises:
        ImageError: if a photo cannot be used, or their sizes differ.
        ValueError: if there is none.
    """
    listed: Sequence[ImageLike] = photos if isinstance(photos, list | tuple) else [photos]  # type: ignore[list-item]
    if not listed:
        raise ValueError("no image was given")
    return stack_images([preprocessing.load(photo, size) for photo in listed])
