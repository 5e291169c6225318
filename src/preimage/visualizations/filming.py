"""Films of a run as animated WebP files, small enough for a page."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

    from preimage.representations.base import Representation
    from preimage.settings import Settings

MOST_BYTES = 2_000_000
"""The most bytes of an encoded film."""

PER_SECOND = 12
"""Frames of a film in a second."""

HOLD = 12
"""The number of frames for which a film shows its last picture longer than any other."""

_FRAMES = 50
"""Approximate number of frames of a film."""

_SIDE = 320
"""The longest side of an encoded film in pixels."""

_QUALITIES = (75, 50, 25, 5)


def frame_interval(settings: Settings, representation: Representation) -> int:
    """Return the number of steps between the frames of a film."""
    return max(1, settings.evaluations(representation) // _FRAMES)


def encode_film(frames: Sequence[Image.Image], most: int = MOST_BYTES) -> bytes:
    """Return pictures of one size as an animated WebP file of at most so many bytes.

    It repeats without end. Large pictures are reduced, and all of them once more as long as the
    film would have too many bytes.
    """
    side = _SIDE
    while True:
        small = [_reduced(frame, side) for frame in frames]
        for quality in _QUALITIES:
            film = _encode(small, quality)
            if len(film) <= most or max(small[0].size) < 8:
                return film
        side //= 2


def _reduced(picture: Image.Image, side: int) -> Image.Image:
    """Return a copy of a picture in color, whose longer side is at most so many pixels."""
    copy = picture.convert("RGB")
    copy.thumbnail((side, side))
    return copy


def _encode(frames: Sequence[Image.Image], quality: int) -> bytes:
    """Return pictures as an animated WebP file of this quality."""
    each = 1000 // PER_SECOND
    durations = [each] * (len(frames) - 1) + [each * (1 + HOLD)]
    data, (first, *others) = io.BytesIO(), frames
    first.save(
        data, "WEBP", save_all=True, append_images=others, duration=durations, loop=0,
        quality=quality,
    )  # fmt: skip
    return data.getvalue()
