"""The grids of the layers of a network, for every size of images."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.representations.networks import COLOR
from tests.representations.transformers import encoder, windowed
from torch import nn

from preimage.preprocessing import Preprocessing
from preimage.representations.code_grid import CodeGrid
from preimage.representations.layer import Layer
from preimage.representations.layers import Layers


def test_a_transformer_has_the_grid_of_each_image_and_its_tokens_by_name() -> None:
    phi = Layer(encoder(registers=2), "encoder.layers.1", COLOR)
    names = ("cls", "register 1", "register 2")
    assert phi.code_grid(32, 64) == CodeGrid((35, 16), 16, (4, 8), names)
    assert phi.code_grid(48, 32) == CodeGrid((27, 16), 16, (6, 4), names)
    assert phi.stride == 8


def test_several_layers_have_their_grids_by_name() -> None:
    model = encoder()
    phi = Layers([Layer(model, name, COLOR) for name in ("embed", "encoder", "head")])
    grids = phi.code_grids(32, 64)
    assert grids == {
        "embed": CodeGrid((16, 4, 8), 16, (4, 8)),
        "encoder": CodeGrid((33, 16), 16, (4, 8), ("cls",)),
        "head": CodeGrid((5,), 5, (1, 1)),
    }
    assert list(phi.code_shapes(32, 64).values()) == [grid.code_shape for grid in grids.values()]


class Sequence(nn.Module):
    """A convolution whose rows, columns or values are made a sequence (N, T, K)."""

    def __init__(self, change: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.conv, self.change = nn.Conv2d(3, 6, 3, 2, padding=1), change

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.change(self.conv(x))


def values(x: torch.Tensor, *shape: int) -> torch.Tensor:
    """Return numbers of a fixed shape, which no longer have a place in the image."""
    torch.manual_seed(0)
    return torch.randn(shape) * x.mean((1, 2, 3))[:, None, None]


def of_one_size(x: torch.Tensor, *shape: int) -> torch.Tensor:
    assert x.shape[2:] == (16, 32)
    return values(x, *shape)


def in_patches(x: torch.Tensor) -> torch.Tensor:
    assert x.shape[2:] == (16, 32)
    return nn.functional.avg_pool2d(x, 8).flatten(2).mT + x.mean((2, 3))[:, None]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda x: x.mean(2).mT, CodeGrid((32, 6), 6, (1, 32))),
        (lambda x: x.mean(2).permute(2, 0, 1), CodeGrid((32, 6), 6, (1, 32))),
        (lambda x: x.mean(2), CodeGrid((32, 6), 6, (1, 32))),
        (lambda x: x.mean(3).mT, CodeGrid((16, 6), 6, (16, 1))),
        (lambda x: values(x, 17, 2), CodeGrid((17, 2), 2, (1, 17))),
        (lambda x: values(x, 18, 2), CodeGrid((18, 2), 2, (1, 18))),
        (lambda x: values(x, 10, 4), CodeGrid((10, 4), 4, (1, 10))),
        (lambda x: of_one_size(x, 17, 2), CodeGrid((17, 2), 2, (1, 17))),
        (lambda x: of_one_size(x, 10, 4), CodeGrid((10, 4), 4, (1, 10))),
        (lambda x: of_one_size(x, 8, 2), CodeGrid((8, 2), 2, (1, 8))),
        (in_patches, CodeGrid((8, 6), 6, (2, 4))),
    ],
)
def test_a_sequence_is_a_row_or_a_column(
    change: Callable[[torch.Tensor], torch.Tensor], expected: CodeGrid
) -> None:
    assert Layer(Sequence(change), "output", COLOR).code_grid(32, 64) == expected


def test_windows_are_rows_of_their_tokens() -> None:
    assert Layer(windowed(), "attn[0]", COLOR).code_grid(32, 48).grid == (6, 16)


def test_a_code_without_channels_has_no_grid_but_a_shape() -> None:
    phi = Layer(nn.Sequential(nn.Conv2d(3, 4, 4, 4), nn.Unflatten(1, (2, 2))), "1", COLOR)
    assert phi.code_shape(32, 32) == (2, 2, 8, 8)
    with pytest.raises(ValueError, match="channels need codes of maps"):
        phi.code_grid(32, 32)


@pytest.mark.parametrize("layer", ["features.1", "features.3", "norm", "features.1.0.attn"])
def test_maps_of_swin_have_their_channels_first(layer: str) -> None:
    torchvision = pytest.importorskip("torchvision", exc_type=ImportError)
    swin = torchvision.models.SwinTransformer([4, 4], 12, [2, 2], [2, 2], [4, 4], num_classes=5)
    own: list[torch.Tensor] = []
    swin.eval().get_submodule(layer).register_forward_hook(lambda m, i, y: own.append(y))
    x = torch.randn(2, 3, 64, 96)
    code = Layer(swin, layer, COLOR)(x)
    assert torch.equal(code, own[0].permute(0, 3, 1, 2))
    assert code.shape[1] == (12 if layer.startswith("features.1") else 24)


def test_windows_of_a_timm_swin_of_one_size_are_joined() -> None:
    swin = pytest.importorskip("timm.models.swin_transformer", exc_type=ImportError)
    model = swin.SwinTransformer(
        img_size=64, window_size=4, embed_dim=16, depths=(2, 2), num_heads=(2, 2), num_classes=5
    )
    maps = Layer(model, "layers.0", COLOR).code_grid(64, 64)
    assert maps == CodeGrid((16, 16, 16), 16, (16, 16))
    windows = Layer(model, "layers.0.blocks.0.attn", COLOR)
    assert windows.code_grid(64, 64) == CodeGrid((256, 16), 16, (16, 16))
    whole = Preprocessing(mean=(127.5,) * 3, size=(64, 64))
    field = Layer(model, "layers.0", whole).receptive_field
    assert field is not None
    assert (field.stride, field.size >= 2 * 16) == (4, True)  # two windows of 16 pixels, shifted
    x = torch.randn(3, 3, 64, 64)
    alone = torch.cat([windows(image) for image in x.split(1)])
    torch.testing.assert_close(windows(x), alone, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("width", [16, 49, 50, 64, 65])
def test_a_vit_of_one_size_keeps_its_axes_whatever_its_width(width: int, batch_first: bool) -> None:
    class Vit(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.patch = nn.Conv2d(3, width, 8, 8)
            self.start = nn.Parameter(torch.zeros(1, 1, width))
            self.place = nn.Parameter(torch.randn(1, 50, width) / 5)
            layer = nn.TransformerEncoderLayer(width, 1, 32, batch_first=batch_first)
            self.enc = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.patch(x).flatten(2).mT
            x = torch.cat([self.start.expand(len(x), -1, -1), x], 1) + self.place
            tokens: torch.Tensor = self.enc(x if batch_first else x.transpose(0, 1))
            return tokens

    for name in ("enc.layers.0.linear2", "enc.layers.1", "enc.layers.0.self_attn[0]", "output"):
        grid = Layer(Vit(), name, COLOR).code_grid(56, 56)
        assert grid == CodeGrid((50, width), width, (7, 7), ("prefix 1",)), name
