"""Other preprocessings that codes may have been computed with: parts of Phi before a network.

A network that was trained on images prepared in one way is often fed by programs that prepare them
in another one. Each name here turns an image of the core into the image of the core that makes the
network see what it then saw.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from preimage.preprocessing import Preprocessing

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def _imagenet(rgb: Tensor) -> Tensor:
    """Return colors in 0..255 less ImageNet's mean, over its deviation."""
    mean, std = (torch.tensor(v, dtype=rgb.dtype, device=rgb.device) for v in _IMAGENET)
    return (rgb / 255 - mean.view(-1, 1, 1)) / std.view(-1, 1, 1)


_VALUES: dict[str, Callable[[Tensor], Tensor]] = {
    "0..1": lambda rgb: rgb / 255,
    "0..255": lambda rgb: rgb,
    "-1..1": lambda rgb: rgb / 127.5 - 1,
    "imagenet": _imagenet,
}
"""The values that enter the network, by the preprocessing, as functions of colors in 0..255."""

_OF_COLORS = ("bgr", "imagenet")

NAMES = ("bgr", *_VALUES)
"""The preprocessings by name; "bgr" swaps red and blue."""

DESCRIPTIONS = {
    "bgr": "red and blue swapped",
    "0..1": "values of 0..1 instead of the network's own",
    "0..255": "values of 0..255 instead of the network's own",
    "-1..1": "values of -1..1 instead of the network's own",
    "imagenet": "ImageNet's mean and deviation instead of the network's own",
}
"""The names of the other preprocessings in words."""


_SAME = 0.05
"""Preprocessings whose values differ by at most this share of black to white are the same."""


def fitting_preprocessings(preprocessing: Preprocessing) -> list[str]:
    """Return the names that fit the channels of a network.

    >>> fitting_preprocessings(Preprocessing(mean=(127.5,)))
    ['0..1', '0..255', '-1..1']
    """
    return [name for name in NAMES if name not in _OF_COLORS or preprocessing.channels == 3]


def other_preprocessings(preprocessing: Preprocessing) -> list[str]:
    """Return the names that fit the channels of a network and differ from its own preprocessing.

    >>> other_preprocessings(Preprocessing(mean=(127.5,), std=(127.5,)))
    ['0..1', '0..255']
    """
    colors = torch.eye(3, dtype=torch.float32, device="cpu")[
        :, : preprocessing.channels, None, None
    ]
    mean = preprocessing.to_255(torch.zeros(1, preprocessing.channels, 1, 1, device="cpu"))
    core = 255 * colors - mean
    least = _SAME * 255
    return [
        name
        for name in fitting_preprocessings(preprocessing)
        if float((prepare(name, preprocessing, core) - core).abs().max()) > least
    ]


def prepare(name: str, preprocessing: Preprocessing, x: Tensor) -> Tensor:
    """Return the images of the core that enter a network in place of the images `x` (N, D, H, W).

    >>> half = Preprocessing(mean=(127.5,), std=(127.5,))
    >>> round(prepare("0..1", half, torch.full((1, 1, 1, 1), 127.5)).item(), 3)
    127.5
    """
    rgb = preprocessing.to_255(x)
    one = torch.ones_like(rgb[:1, :, :1, :1])
    if name == "bgr":
        return rgb.flip(-3) - preprocessing.to_255(torch.zeros_like(one))
    return _VALUES[name](rgb) / preprocessing.to_network(one)
