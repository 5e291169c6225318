"""Axes that follow a change in the image."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from preimage.checking.properties import channels_and_grid
from preimage.checking.subject import Subject
from preimage.preprocessing import Preprocessing
from preimage.representations.layer import Layer
from preimage.representations.position_axes import position_axes, quarters

COLOR = Preprocessing(mean=(127.5,) * 3, std=(64,))
LAYOUTS = {"N T K": (0, 1, 2), "T N K": (1, 0, 2), "N K T": (0, 2, 1)}


class Mix(nn.Module):
    """A residual block with attention; its kind tells nothing of its axes."""

    def __init__(self, width: int, layout: str) -> None:
        super().__init__()
        self.mix, self.layout = nn.Parameter(torch.randn(4, width, width) / width**0.5), layout

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(LAYOUTS[self.layout])
        query, key, value, out = (x @ one for one in self.mix)
        x = x + (query @ key.mT / x.shape[2] ** 0.5).softmax(2) @ value + out.relu()
        return (x / x.square().mean(2, keepdim=True).sqrt()).permute(LAYOUTS[self.layout])


class Plain(nn.Module):
    """A transformer of one image size, without any module that names its width."""

    patch_size = 4

    def __init__(self, width: int, side: int, *, extra: int = 1, layout: str = "N T K") -> None:
        super().__init__()
        torch.manual_seed(0)
        self.width, self.side, self.layout = width, side, layout
        self.embed = nn.Parameter(torch.randn(3 * 16, width) / 7)
        self.first = nn.Parameter(torch.randn(1, extra, width))
        self.place = nn.Parameter(torch.randn(1, side**2 + extra, width) / 2)
        self.blocks = nn.Sequential(*(Mix(width, layout) for _ in range(3)))

    def forward(self, image: Tensor) -> Tensor:
        patches = nn.functional.unfold(image, 4, stride=4).mT @ self.embed
        x = torch.cat([self.first.expand(len(image), -1, -1), patches], 1) + self.place
        output: Tensor = self.blocks(x.permute(LAYOUTS[self.layout]))
        return output


@pytest.mark.parametrize(("side", "extra"), [(4, 0), (4, 1), (7, 0), (7, 1), (8, 1), (8, 5)])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_channels_are_told_from_tokens_whatever_their_numbers(
    layout: str, side: int, extra: int
) -> None:
    tokens = side**2 + extra
    for width in (side**2 - 1, side**2, side**2 + 1, tokens, 9, 100):
        model = Plain(width, side, extra=extra, layout=layout)
        for name in ("blocks.0", "blocks.2"):
            layer = Layer(model, name, COLOR)
            grid = layer.code_grid(4 * side, 4 * side)
            assert (grid.code_shape, grid.channels) == ((tokens, width), width), (name, width)
            assert not layer.axes(4 * side, 4 * side).is_guess
            assert (grid.grid, len(grid.prefix)) == ((side, side), extra)


@pytest.mark.parametrize(
    ("moved", "expected"),
    [
        (lambda x: x, (2, 3)),
        (lambda x: x.permute(0, 2, 3, 1), (1, 2)),
        (lambda x: x.flatten(2), (2,)),
        (lambda x: x.mean(1), (1, 2)),
        (lambda x: x.mean((2, 3)), None),
        (lambda x: x.mean(3, keepdim=True), (2,)),
        (lambda x: x.unflatten(1, (2, 8)).flatten(3).mT, (2,)),
        (lambda x: 0 * x, None),
        (lambda x: x / 0, None),
    ],
)
def test_the_axes_of_a_map_that_follow_the_image_are_found(
    moved: object, expected: tuple[int, ...] | None
) -> None:
    torch.manual_seed(0)
    with torch.no_grad():
        maps = nn.Conv2d(3, 16, 4, 4)(quarters(torch.zeros(1, 3, 32, 48)))
    assert callable(moved)
    assert position_axes(moved(maps)) == expected


def test_heads_with_as_many_features_as_tokens_are_no_map() -> None:
    class Heads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patch = nn.Conv2d(3, 4 * 64, 8, 8)

        def forward(self, x: Tensor) -> Tensor:
            return self.patch(x).flatten(2).unflatten(1, (4, 64)).mT

    torch.manual_seed(0)
    assert Layer(Heads(), "output", COLOR).code_grid(64, 64).code_shape == (64, 256)


def test_axes_that_nothing_tells_are_a_guess_and_the_check_says_so() -> None:
    class Summary(nn.Module):
        """Values (N, 6, 4) that have no place in the image."""

        def forward(self, x: Tensor) -> Tensor:
            return x.mean((1, 2, 3))[:, None, None] * torch.arange(1.0, 25).view(6, 4)

    layer = Layer(Summary(), "output", COLOR)
    found = channels_and_grid(Subject(layer, (16, 16)))[0]
    assert found.verdict == "partly"
    assert "4 channels, axis 2 of the output, the usual one, for nothing shows" in found.finding
    said = Layer(Summary(), "output", COLOR, channel_axis=1)
    found = channels_and_grid(Subject(said, (16, 16)))[0]
    assert (found.verdict, found.finding) == ("-", "6 channels, axis 1 of the output")
