"""Small networks of every shape for the tests of layers, and what is known of their state."""

from __future__ import annotations

import hashlib
from typing import Any

import torch
from tests.support import random_image
from torch import Tensor, nn

from preimage.preprocessing import Preprocessing
from preimage.representations.layer import Layer

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


def vgg() -> nn.Sequential:
    """A chain with activations in place, as MatConvNet's networks are."""
    torch.manual_seed(0)
    parts: list[nn.Module] = []
    for wide in (3, 4, 5):
        parts += [nn.Conv2d(wide, wide + 1, 3), nn.ReLU(inplace=True)]
    parts.append(nn.AdaptiveAvgPool2d(2))
    return nn.Sequential(nn.Sequential(*parts), nn.Flatten(), nn.Linear(24, 7), nn.ReLU(True))


def resnet(seed: int = 0) -> ResNet:
    """The network above with random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return ResNet()


def used_network() -> nn.Module:
    """With partly frozen weights, gradients, mixed modes and a hook."""
    model = resnet()
    model(torch.rand(2, 3, 32, 32)).sum().backward()
    model.stem.requires_grad_(False)
    model.body[1].eval()
    model.body.register_forward_hook(lambda module, inputs, output: None)
    return model


class Tokens(nn.Module):
    """A transformer: an embedding, blocks in a list, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 16, 4, 4)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(16, 2, 32, batch_first=True) for _ in range(4)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x).flatten(2).transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        return x


def deep() -> nn.Sequential:
    """A chain of 18 plain layers, as VGG's are."""
    layers: list[nn.Module] = [nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(inplace=True)]
    for _ in range(8):
        layers += [nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def nested() -> nn.Sequential:
    """A chain in a chain, with blocks."""
    body = nn.Sequential(nn.Conv2d(3, 8, 3), *[Residual(8) for _ in range(8)])
    return nn.Sequential(body, nn.Tanh(), nn.Flatten())


def evaluation(phi: Layer) -> tuple[Tensor, Tensor]:
    """Code and gradient of a random image."""
    x = random_image(3, 64, 64)[None].float().requires_grad_()
    code = phi(x)
    (gradient,) = torch.autograd.grad(code, x, torch.linspace(-1, 1, code.numel()).view_as(code))
    return code.detach(), gradient


def trained(model: nn.Module) -> nn.Module:
    """In double precision and evaluation mode, with statistics that training leaves."""
    generator = torch.Generator().manual_seed(1)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d) and module.running_var is not None:
            for tensor in (module.running_mean, module.running_var, module.weight, module.bias):
                if tensor is not None:
                    tensor.data = torch.rand(tensor.shape, generator=generator) + 0.5
    return model.double().eval()


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
