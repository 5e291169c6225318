"""A small network with classes, whose channels answer to things that can be named."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from preimage.networks import Network
from preimage.preprocessing import Preprocessing

CLASSES = ("red, rouge", "green", "blue", "gray")


def color_network() -> Network:
    """Channels of `features`: red, green, blue, an edge, nothing at all; scores of colors."""
    features = nn.Conv2d(3, 5, 3, stride=2)
    score = nn.Linear(5, 4)
    with torch.no_grad():
        features.weight.zero_()
        features.bias.zero_()  # type: ignore[union-attr]
        for color in range(3):
            features.weight[color] = -1 / 27
            features.weight[color, color] = 2 / 27
        features.weight[3, :, :, 0], features.weight[3, :, :, 2] = -1 / 9, 1 / 9
        score.weight.copy_(torch.eye(5)[:4] / 16)
        score.bias.zero_()
    layers = OrderedDict(
        features=features, act=nn.ReLU(), pool=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten(),
        score=score, prob=nn.Softmax(1),
    )  # fmt: skip
    preprocessing = Preprocessing(mean=(127.5,) * 3, size=(24, 24))
    return Network(nn.Sequential(layers).eval(), preprocessing, "colors", CLASSES)
