"""Small transformers whose outputs have every layout."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Windowed(nn.Module):
    """Swin in small: maps (N, H, W, K), and attention within windows of 4 x 4."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 12, 4, 4)
        self.norm = nn.LayerNorm(12)
        self.attn = nn.MultiheadAttention(12, 3, batch_first=True)
        self.mlp = nn.Linear(12, 24)

    def forward(self, image: Tensor) -> Tensor:
        x = self.norm(self.embed(image).permute(0, 2, 3, 1))
        n, h, w, k = x.shape
        windows = x.view(n, h // 4, 4, w // 4, 4, k).transpose(2, 3).reshape(-1, 16, k)
        inside = self.attn(windows, windows, windows)[0]
        x = x + inside.view(n, h // 4, w // 4, 4, 4, k).transpose(2, 3).reshape(n, h, w, k)
        scores: Tensor = self.mlp(x)
        return scores


class Encoder(nn.Module):
    """A transformer of torch with its default layout (T, N, K), a class token and registers."""

    def __init__(self, tokens: int = 1, registers: int = 0) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 16, 8, 8)
        self.cls_token = nn.Parameter(torch.randn(tokens, 1, 16))
        self.register_tokens = nn.Parameter(torch.randn(1, registers, 16))
        layer = nn.TransformerEncoderLayer(16, 2, 32)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(16, 5)

    def forward(self, image: Tensor) -> Tensor:
        patches = self.embed(image).flatten(2).permute(2, 0, 1)
        before = torch.cat([self.cls_token, self.register_tokens.transpose(0, 1)])
        tokens = self.encoder(torch.cat([before.expand(-1, len(image), -1), patches]))
        scores: Tensor = self.head(tokens[0])
        return scores


def windowed() -> Windowed:
    torch.manual_seed(0)
    return Windowed().eval()


def encoder(tokens: int = 1, registers: int = 0) -> Encoder:
    torch.manual_seed(0)
    return Encoder(tokens, registers).eval()


def factory() -> tuple[nn.Module, dict[str, object]]:
    """A transformer for images of 32 x 64, which a command can import."""
    return encoder(registers=2), {"mean": (127.5,) * 3, "std": (64,) * 3, "size": (32, 64)}
