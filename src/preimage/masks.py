"""Masks M of Eq. 3 by name: a central window of responses, or some of the channels.

Both are zeros and ones of the shape of one code, (K, H', W') or (K,). Their product keeps
what both keep.
"""

from __future__ import annotations

import torch
from torch import Tensor

from preimage.representations.receptive_field import Box, ReceptiveField


def window_mask(code_shape: tuple[int, ...], side: int) -> Tensor:
    """Keeps the central `side` x `side` responses of all channels (Figure 9).

    Raises:
        ValueError: if the code is no map, or smaller than the window.

    >>> window_mask((1, 4, 4), 2)[0].tolist()[1]
    [0.0, 1.0, 1.0, 0.0]
    """
    if len(code_shape) != 3:
        raise ValueError(f"a window needs a code of maps (K, H, W), not of shape {code_shape}")
    if not 1 <= side <= min(code_shape[1:]):
        raise ValueError(f"a window of {side} x {side} does not fit maps of {code_shape[1:]}")
    mask = torch.zeros(code_shape)
    top, left = ((length - side) // 2 for length in code_shape[1:])
    mask[:, top : top + side, left : left + side] = 1
    return mask


def channel_mask(code_shape: tuple[int, ...], first: int, last: int) -> Tensor:
    """Keeps the channels from `first` to `last`, both included.

    Raises:
        ValueError: if the code has no such channels.

    >>> channel_mask((4,), 1, 2).tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    if not 0 <= first <= last < code_shape[0]:
        raise ValueError(f"channels {first}-{last} are not among 0-{code_shape[0] - 1}")
    mask = torch.zeros(code_shape)
    mask[first : last + 1] = 1
    return mask


def stream_mask(code_shape: tuple[int, ...], stream: int) -> Tensor:
    """Keeps one half of the channels, 1 or 2: the two streams of AlexNet (Figure 10).

    Raises:
        ValueError: if there is no such stream.

    >>> stream_mask((4,), 2).tolist()
    [0.0, 0.0, 1.0, 1.0]
    """
    if stream not in (1, 2):
        raise ValueError(f"there are streams 1 and 2, not {stream}")
    half = code_shape[0] // 2
    first = (stream - 1) * half
    return channel_mask(code_shape, first, first + half - 1)


def window_box(field: ReceptiveField, code_shape: tuple[int, ...], side: int) -> Box:
    """Return what the central window sees, which can reach beyond the image (Figure 9).

    >>> window_box(ReceptiveField(size=11, stride=4, offset=5.0), (1, 5, 5), 1)
    Box(top=8, left=8, bottom=19, right=19)
    """
    first = [(length - side) // 2 for length in code_shape[1:]]
    top, left, _, _ = field.box(first)
    _, _, bottom, right = field.box([at + side - 1 for at in first])
    return Box(top, left, bottom, right)
