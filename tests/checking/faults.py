"""Small networks, each with one fault that `preimage.check` is to find."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from preimage.preprocessing import Preprocessing
from preimage.representations.layer import Layer

COLOR = Preprocessing(mean=(127.5,) * 3, std=(64.0,) * 3, size=(24, 24))


class Fault(nn.Module):
    """A convolution and a rectifier; subclasses put something wrong between them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu = nn.Conv2d(3, 4, 3, padding=1), nn.ReLU()

    def spoil(self, x: Tensor) -> Tensor:
        return x

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.relu(self.spoil(self.conv(x)))
        return result


class Noisy(Fault):
    def spoil(self, x: Tensor) -> Tensor:
        return nn.functional.dropout(x)


class Detached(Fault):
    """A network whose gradient lacks a part."""

    def spoil(self, x: Tensor) -> Tensor:
        return x + 3 * x.detach()


class Rounded(Fault):
    """A network whose gradient is zero everywhere."""

    def spoil(self, x: Tensor) -> Tensor:
        return (8 * x).round() / 8


class Mixing(Fault):
    """A network that normalizes over the batch in evaluation mode too."""

    def spoil(self, x: Tensor) -> Tensor:
        return x - x.mean((0, 2, 3), keepdim=True)


class Constant(Fault):
    def spoil(self, x: Tensor) -> Tensor:
        return 0 * x + 1


class Counting(Fault):
    """A network that changes a parameter whenever it runs."""

    def spoil(self, x: Tensor) -> Tensor:
        self.conv.weight.data[0, 0, 0, 0] += 0.25
        return x


class Hooking(Fault):
    """A network that adds a hook to itself whenever it runs."""

    def spoil(self, x: Tensor) -> Tensor:
        self.conv.register_forward_pre_hook(lambda module, inputs: None)
        return x


def layer(network: nn.Module, name: str = "relu", preprocessing: Preprocessing = COLOR) -> Layer:
    return Layer(network, name, preprocessing)


def built(kind: type[nn.Module]) -> nn.Module:
    torch.manual_seed(0)
    return kind()
