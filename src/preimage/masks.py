"""Masks M of Eq. 3 by name: which components of a code an inversion is to match.

>>> Mask(channels="0,2").to_tensor((4,))
tensor([1., 0., 1., 0.])
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from preimage.names import parse_channels
from preimage.representations.base import Representation
from preimage.representations.receptive_field import Box


@dataclass(frozen=True, slots=True)
class Mask:
    """A choice of components by name: those that every given attribute keeps.

    Attributes:
        window: the central `window` x `window` responses of all channels (Figure 9).
        channels: channels such as "0-24,31".
        stream: one half of the channels, 1 or 2: the streams of AlexNet (Figure 10).

    Raises:
        ValueError: if an attribute has a wrong value.
    """

    window: int | None = None
    channels: str | None = None
    stream: int | None = None

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        if self.window is not None and self.window < 1:
            raise ValueError(f"a window has a side of 1 or more responses, not {self.window}")
        if self.channels is not None:
            parse_channels(self.channels)
        if self.stream not in (None, 1, 2):
            raise ValueError(f"there are streams 1 and 2, not {self.stream}")

    def named(self) -> dict[str, Any]:
        """Return the attributes that are given, by name.

        >>> Mask(window=5).named()
        {'window': 5}
        """
        return {name: value for name, value in asdict(self).items() if value is not None}

    def to_tensor(self, code_shape: tuple[int, ...]) -> Tensor | None:
        """Return zeros and ones of the shape of one code; None if everything is kept.

        Args:
            code_shape: (K, H', W'), or (K,) without a window.

        Raises:
            ValueError: if the code has no such components.
        """
        places: list[tuple[Any, ...]] = []
        if self.window is not None:
            places.append(_window(self.window, code_shape))
        if self.channels is not None:
            places.append((parse_channels(self.channels, code_shape[0]),))
        if self.stream is not None:
            places.append(_stream(self.stream, code_shape))
        masks = torch.zeros(len(places), *code_shape)
        for mask, place in zip(masks, places, strict=True):
            mask[place] = 1
        return masks.prod(0) if places else None

    def box(self, representation: Representation, size: tuple[int, int]) -> Box | None:
        """Return the part of an image of this size that the window sees; it can exceed the image.

        None means that there is no window, or that its responses see the whole image.
        """
        field = None if self.window is None else representation.receptive_field
        if self.window is None or field is None:
            return None
        shape = representation.code_shape(*size)
        first = [(length - self.window) // 2 for length in shape[1:]]
        last = [at + self.window - 1 for at in first]
        return Box(*field.box(first)[:2], *field.box(last)[2:])


def _window(side: int, code_shape: tuple[int, ...]) -> tuple[Any, ...]:
    if len(code_shape) != 3:
        raise ValueError(f"a window needs a code of maps (K, H, W), not of shape {code_shape}")
    if side > min(code_shape[1:]):
        raise ValueError(f"a window of {side} x {side} does not fit maps of {code_shape[1:]}")
    top, left = ((length - side) // 2 for length in code_shape[1:])
    return slice(None), slice(top, top + side), slice(left, left + side)


def _stream(stream: int, code_shape: tuple[int, ...]) -> tuple[Any, ...]:
    half = code_shape[0] // 2
    if half == 0:
        raise ValueError(f"a code of shape {code_shape} has no two streams of channels")
    return (slice((stream - 1) * half, stream * half),)
