"""Small networks of every shape for the tests of layers, and what is known of their state."""

from __future__ import annotations

import hashlib
from typing import Any

import torch
from torch import Tensor, nn

from preimage.preprocessing import Preprocessing

COLOR = Preprocessing(mean=(127.5,) * 3, std=(64.0,), size=(32, 32))


class Residual(nn.Module):
    """x + conv(relu_(bn(conv(x)))), pooled: a block whose modules no chain can name."""

    def __init__(self, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.one = nn.Conv2d(channels, channels, 3, stride, 1)
        self.bn = nn.BatchNorm2d(channels)
        self.act = nn.ReLU(inplace=True)
        self.two = nn.Conv2d(channels, channels, 3, 1, 1)
        self.skip = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.two(self.act(self.bn(self.one(x))))
        return self.act(self.skip(x) + y)


class ResNet(nn.Module):
    """A residual network in training mode with everything that a user may have left on it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(inplace=True))
        self.body = nn.Sequential(Residual(8), Residual(8, 2), Residual(8))
        self.unused = nn.Linear(2, 2)
        self.pair = Pair()
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.body(self.stem(x))
        self.pair(x)
        scores: Tensor = self.head(x.mean((2, 3)))
        return scores


class Pair(nn.Module):
    """Two outputs, one of them from a module inside."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = nn.Identity()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.inside(x), x


class Constant(nn.Module):
    """Depends on nothing."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.ones_like(x.detach())


class Failing(nn.Module):
    """What must never run."""

    def forward(self, x: Tensor) -> Tensor:
        raise AssertionError("a module behind the layer has run")


def resnet(seed: int = 0) -> ResNet:
    """The network above with random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return ResNet()


def state(model: nn.Module) -> Any:
    """All that a call could change: weights, gradients, hooks, modes, devices, identities."""
    digest = hashlib.sha256()
    for tensor in model.state_dict().values():
        digest.update(tensor.cpu().numpy().tobytes())
    parameters = [
        (name, id(p), p.requires_grad, id(p.grad), None if p.grad is None else p.grad.tolist())
        for name, p in model.named_parameters()
    ]
    modules = [
        (name, m.training, list(m._forward_hooks), list(m._forward_pre_hooks))
        for name, m in model.named_modules()
    ]
    devices = {str(tensor.device) for tensor in model.state_dict().values()}
    return digest.hexdigest(), parameters, modules, devices
