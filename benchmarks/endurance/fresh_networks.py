"""24 small networks of many kinds with random weights, each made anew by a function.

Among them are networks whose user left something behind that must stay: training mode, hooks,
gradients, frozen parameters, buffers that change with each pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from benchmarks.plain_networks import Block
from benchmarks.strangers import TokensFirst, UNet

_BALLAST = 2 * 10**6
"""Numbers in a buffer that no pass uses: 8 MB that are missed if a network is not freed."""


@dataclass(frozen=True)
class Fresh:
    """A kind of network: a function that makes one, and a layer of it."""

    name: str
    make: Callable[[], nn.Module]
    layer: str
    channels: int = 3

    def build(self, seed: int) -> nn.Module:
        """Return a new network with weights of a seed and the ballast."""
        torch.manual_seed(seed)
        module = self.make()
        module.register_buffer("ballast", torch.randn(_BALLAST))
        return module


def _chain(norm: Callable[[int], nn.Module] = nn.Identity, groups: int = 1) -> nn.Sequential:
    convs = [nn.Conv2d(3, 16, 3, 2, 1), nn.Conv2d(16, 32, 3, 1, 1, groups=groups)]
    return nn.Sequential(
        convs[0], norm(16), nn.ReLU(), convs[1], norm(32), nn.ReLU(inplace=True),
        nn.Conv2d(32, 24, 3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(24, 10),
    )  # fmt: skip


def _separable() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1), nn.Conv2d(16, 16, 3, 1, 1, groups=16), nn.Conv2d(16, 32, 1),
        nn.GroupNorm(4, 32), nn.SiLU(), nn.MaxPool2d(2),
    ).eval()  # fmt: skip


def _dilated() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, dilation=2, padding=2), nn.Sigmoid(), nn.Conv2d(8, 8, 5, 2), nn.Tanh()
    )


def _residual() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), Block(16, 16, 1), Block(16, 32, 2)).eval()


class _Attention(nn.Module):
    """A vision transformer of two blocks with a class token."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 32, 8, 8)
        self.token = nn.Parameter(torch.randn(1, 1, 32) * 0.02)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(32, 4, 64, dropout=0.1, batch_first=True) for _ in range(2)
        )
        self.head = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(x), -1, -1), tokens], 1)
        for block in self.blocks:
            tokens = block(tokens)
        result: Tensor = self.head(tokens[:, 0])
        return result


class _OwnAttention(nn.Module):
    """Attention over all pixels of a map, written out."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.qkv = nn.Conv2d(3, 16, 4, 4), nn.Conv2d(16, 48, 1)
        self.out = nn.Conv2d(16, 16, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.stem(x)
        q, k, v = self.qkv(y).flatten(2).chunk(3, 1)
        mixed = v @ (q.transpose(1, 2) @ k / 4).softmax(-1).transpose(1, 2)
        result: Tensor = self.out(mixed.reshape(y.shape) + y)
        return result


class _Excited(nn.Module):
    """Channels that the mean of the map weights, as in squeeze and excitation."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.weigh = nn.Conv2d(3, 24, 3, 2, 1), nn.Conv2d(24, 24, 1)
        self.head = nn.Linear(24, 10)

    def forward(self, x: Tensor) -> Tensor:
        y = nn.functional.silu(self.stem(x))
        y = y * self.weigh(y.mean((2, 3), keepdim=True)).sigmoid()
        result: Tensor = self.head(y.mean((2, 3)))
        return result


class _Twice(nn.Module):
    """A module that is called twice, and an output of several tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.again = nn.Conv2d(3, 12, 3, 2, 1), nn.Conv2d(12, 12, 3, 1, 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        first = self.again(self.stem(x).relu())
        return {"first": first, "second": self.again(first.relu())}


class _Counting(nn.Module):
    """A network that counts its passes, and keeps the last of its maps."""

    passes: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("passes", torch.zeros((), dtype=torch.long))
        self.conv, self.end = nn.Conv2d(3, 8, 3, 2), nn.Conv2d(8, 8, 3)
        self.last: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        self.passes += 1
        self.last = self.conv(x).relu()
        result: Tensor = self.end(self.last)
        return result


def _training(module: nn.Module) -> nn.Module:
    return module.train()


def _with_gradients() -> nn.Module:
    module = _chain()
    module(torch.randn(1, 3, 48, 48)).sum().backward()
    module[0].requires_grad_(False)
    return module


def _with_hooks() -> nn.Module:
    module = _chain()
    module[3].register_forward_hook(lambda _module, _inputs, output: output * 1.5)
    module[0].register_forward_pre_hook(lambda _module, inputs: (inputs[0] + 0.1,))
    return module


def _normed(norm: Callable[[nn.Module], nn.Module]) -> nn.Module:
    return nn.Sequential(norm(nn.Conv2d(3, 16, 3, 2, 1)), nn.ReLU(), norm(nn.Conv2d(16, 8, 3)))


def _dropping() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1), nn.Dropout2d(0.2), nn.ReLU(), nn.Conv2d(16, 8, 3)
    )


FRESH = (
    Fresh("chain", _chain, "6"),
    Fresh("chain, class scores", _chain, "10"),
    Fresh("batch normalization", lambda: _chain(nn.BatchNorm2d).eval(), "6"),
    Fresh("batch normalization, training", lambda: _training(_chain(nn.BatchNorm2d)), "6"),
    Fresh("instance normalization", lambda: _chain(nn.InstanceNorm2d), "6"),
    Fresh("groups", lambda: _chain(groups=4), "6"),
    Fresh("separable", _separable, "4"),
    Fresh("dilated", _dilated, "3"),
    Fresh("residual", _residual, "2"),
    Fresh("residual, training", lambda: _training(_residual()), "1"),
    Fresh("U-Net", lambda: UNet().eval(), "merge2"),
    Fresh("vision transformer", lambda: _Attention().eval(), "blocks.1"),
    Fresh("vision transformer, training", lambda: _training(_Attention()), "blocks.0"),
    Fresh("tokens first", lambda: TokensFirst().eval(), "encoder.layers.1"),
    Fresh("attention written out", _OwnAttention, "out"),
    Fresh("squeeze and excitation", _Excited, "head"),
    Fresh("called twice", _Twice, "again#2"),
    Fresh("counting", _Counting, "end"),
    Fresh("gradients kept, one layer frozen", _with_gradients, "6"),
    Fresh("hooks of the user", _with_hooks, "3"),
    Fresh("weight normalization", lambda: _normed(parametrizations.weight_norm), "2"),
    Fresh("spectral normalization", lambda: _normed(parametrizations.spectral_norm), "2"),
    Fresh("dropout, training", _dropping, "3"),
    Fresh("gray, double precision", lambda: nn.Sequential(nn.Conv2d(1, 8, 5, 2)).double(), "0", 1),
)
