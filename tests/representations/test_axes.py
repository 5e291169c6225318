"""The axes of an output, found from shapes, and codes in one layout."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.representations.networks import COLOR
from tests.representations.transformers import encoder, windowed
from tests.support import random_image
from torch import Tensor, nn

from preimage.representations.axes import AxisError
from preimage.representations.layer import Layer


class Change(nn.Module):
    """A convolution, then any function of its map (N, 6, H, W)."""

    def __init__(self, change: Callable[[Tensor], Tensor], channels: int = 6) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, channels, 4, 4)
        self.change = change

    def forward(self, x: Tensor) -> Tensor:
        return self.change(self.conv(x))


def images(count: int = 2, height: int = 32, width: int = 48) -> Tensor:
    return random_image(count, 3, height, width).float()


def windows(x: Tensor) -> Tensor:
    """The four quarters of each map, all quarters of an image together: (N * 4, ...)."""
    n, k, h, w = x.shape
    return x.reshape(n, k, 2, h // 2, 2, w // 2).permute(0, 2, 4, 1, 3, 5).flatten(0, 2)


SWAPS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "map": (lambda x: x, lambda x: x),
    "map, channels last": (lambda x: x.permute(0, 2, 3, 1), lambda x: x),
    "map, batch second": (lambda x: x.transpose(0, 1), lambda x: x),
    "map, batch last, channels first": (lambda x: x.permute(1, 2, 3, 0), lambda x: x),
    "map without channels": (lambda x: x.sum(1), lambda x: x.sum(1, keepdim=True)),
    "tokens": (lambda x: x.flatten(2).transpose(1, 2), lambda x: x.flatten(2).transpose(1, 2)),
    "tokens, channels first": (lambda x: x.flatten(2), lambda x: x.flatten(2).transpose(1, 2)),
    "tokens first": (lambda x: x.flatten(2).permute(2, 0, 1), lambda x: x.flatten(2).mT),
    "tokens in the batch": (
        lambda x: x.permute(0, 2, 3, 1).flatten(0, 2), lambda x: x.flatten(2).mT,
    ),
    "heads, tokens": (lambda x: x.unflatten(1, (2, 3)).flatten(3).mT, lambda x: x.flatten(2).mT),
    "tokens, heads": (
        lambda x: x.flatten(2).mT.unflatten(2, (3, 2)), lambda x: x.flatten(2).mT,
    ),
    "windows, channels first": (windows, lambda x: windows(x).unflatten(0, (-1, 4))
        .permute(0, 1, 3, 4, 2).flatten(1, 3)),
    "windows, channels last": (lambda x: windows(x).permute(0, 2, 3, 1), lambda x: windows(x)
        .unflatten(0, (-1, 4)).permute(0, 1, 3, 4, 2).flatten(1, 3)),
    "windows apart": (lambda x: windows(x).unflatten(0, (-1, 4)).transpose(0, 1).flatten(0, 1)
        .flatten(2).mT, lambda x: windows(x).unflatten(0, (-1, 4)).flatten(3).mT.flatten(1, 2)),
    "vector": (lambda x: x.mean((2, 3)), lambda x: x.mean((2, 3))),
    "vector, batch second": (lambda x: x.mean((2, 3)).T, lambda x: x.mean((2, 3))),
    "vector, squeezed": (lambda x: x.mean((2, 3)).squeeze(), lambda x: x.mean((2, 3))),
    "one number": (lambda x: x.mean((1, 2, 3)), lambda x: x.mean((1, 2, 3))[:, None]),
}  # fmt: skip


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("name", SWAPS)
def test_a_code_has_one_layout_whatever_the_networks_is(name: str, count: int) -> None:
    change, canonical = SWAPS[name]
    model = Change(change)
    x = images(count)
    code = Layer(model, "output", COLOR)(x)
    with torch.no_grad():
        expected = canonical(model.conv(x / 64))
    torch.testing.assert_close(code, expected)
    assert Layer(model, "output", COLOR).code_shape(32, 48) == expected.shape[1:]


@pytest.mark.parametrize(
    ("change", "canonical"),
    [
        (lambda x: x.transpose(0, 1), lambda x: x),
        (lambda x: x.permute(2, 3, 0, 1), lambda x: x),
        (lambda x: x.permute(2, 0, 3, 1), lambda x: x),
        (lambda x: x.mean((2, 3)).T, lambda x: x.mean((2, 3))),
        (lambda x: x.mean(3).permute(2, 0, 1), lambda x: x.mean(3).mT),
    ],
)
def test_as_many_images_as_channels_or_rows_are_still_the_images(
    change: Callable[[Tensor], Tensor], canonical: Callable[[Tensor], Tensor]
) -> None:
    for count, channels in ((6, 6), (8, 6)):
        model, x = Change(change, channels), images(count)
        expected = canonical(model.conv(x / 64))
        phi = Layer(model, "output", COLOR)
        assert torch.equal(phi(x), expected)  # the axes are found from the batch
        again = Layer(model, "output", COLOR)
        assert again.code_shape(32, 48) == expected.shape[1:]  # or from one image
        assert torch.equal(again(x), expected)


def test_axes_are_found_once_and_leave_no_trace() -> None:
    class Noisy(nn.Module):
        calls: Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, x: Tensor) -> Tensor:
            counts.append(len(x))
            self.calls += 1
            return x + torch.rand(()) + self.calls

    counts: list[int] = []
    model, x = Noisy(), images(3)
    torch.manual_seed(1)
    expected = x / 64 + torch.rand(()) + 1
    torch.manual_seed(1)
    phi = Layer(model, "output", COLOR)
    assert torch.equal(phi(x), expected)
    assert counts == [3, 1, 2]
    phi(x)
    assert counts == [3, 1, 2, 3]
    assert model.calls == 0


STRIPS: dict[str, Callable[[Tensor], Tensor]] = {
    "a column": lambda x: x.mean(3, keepdim=True),
    "a row": lambda x: x.mean(2, keepdim=True),
    "four columns": lambda x: nn.functional.adaptive_avg_pool2d(x, (None, 4)),
    "four rows": lambda x: nn.functional.adaptive_avg_pool2d(x, (4, None)),
    "wide cells": lambda x: x[..., ::4],
    "flat cells": lambda x: x[:, :, ::4],
}


@pytest.mark.parametrize(
    ("name", "channels", "last"),
    [(name, channels, False) for name in STRIPS for channels in (6, 8)]
    + [("a column", 8, True), ("a row", 8, True), ("wide cells", 8, True), ("flat cells", 6, True)],
)
def test_a_strip_is_a_map(name: str, channels: int, last: bool) -> None:
    def change(x: Tensor) -> Tensor:
        y = STRIPS[name](x)
        return y.permute(0, 2, 3, 1) if last else y

    model, x = Change(change, channels), images(2, 32, 32)
    code = Layer(model, "output", COLOR)(x)
    torch.testing.assert_close(code, STRIPS[name](model.conv(x / 64)))


def test_a_strip_of_a_network_of_one_size_is_a_map() -> None:
    def change(x: Tensor) -> Tensor:
        assert x.shape[2:] == (8, 8)
        return x.mean(3, keepdim=True)

    model = Change(change, channels=8)
    assert Layer(model, "output", COLOR).code_shape(32, 32) == (8, 8, 1)


def test_a_map_in_order_is_neither_copied_nor_moved() -> None:
    kept: list[Tensor] = []
    model = Change(lambda x: kept.append(x) or x, channels=16)  # type: ignore[func-returns-value]
    phi = Layer(model, "output", COLOR)
    phi.code_shape(32, 48)
    kept.clear()
    code = phi(images().requires_grad_())  # without gradients it is copied
    assert code is kept[-1]
    assert len(kept) == 1


@pytest.mark.parametrize(
    "layer", ["embed", "norm", "attn.input", "attn[0]", "mlp", "output", "add"]
)
def test_layers_of_windowed_attention_are_maps_and_windows(layer: str) -> None:
    phi = Layer(windowed(), layer, COLOR)
    grid = phi.code_grid(32, 64)
    windows = layer.startswith("attn")
    channels = 24 if layer in ("mlp", "output") else 12
    assert grid.code_shape == ((128, 12) if windows else (channels, 8, 16))
    assert grid.grid == (8, 16)  # 8 windows of 16 tokens, or 8 rows of 16 columns
    x = images(2, 32, 64)
    torch.testing.assert_close(phi(x), torch.cat([phi(x[:1]), phi(x[1:])]))


def test_a_channel_of_a_map_with_channels_last_is_the_networks_own() -> None:
    model, x = windowed(), images(2, 32, 64)
    with torch.no_grad():
        assert torch.equal(Layer(model, "output", COLOR)(x), model(x / 64).permute(0, 3, 1, 2))


def test_channels_of_a_map_with_axes_of_one_length_are_found_at_another_size() -> None:
    model = Change(lambda x: x.permute(0, 2, 3, 1), channels=8)
    x = images(2, 32, 32)
    assert torch.equal(Layer(model, "output", COLOR)(x), model.conv(x / 64))


def test_channels_of_a_network_of_one_size_are_those_where_a_change_of_a_corner_spreads() -> None:
    def change(x: Tensor) -> Tensor:
        assert x.shape[2:] == (8, 8)
        return x.permute(0, 2, 3, 1)

    model, x = Change(change, channels=8), images(2, 32, 32)
    assert torch.equal(Layer(model, "output", COLOR)(x), model.conv(x / 64))


def test_where_nothing_tells_the_channels_the_user_is_asked_and_can_say_it() -> None:
    def change(x: Tensor) -> Tensor:
        assert len(x) == 1
        assert x.shape[2:] == (8, 8)
        return x.permute(0, 2, 3, 1)

    model, x = Change(change, channels=8), images(1, 32, 32)
    with pytest.raises(AxisError, match=r"axes \(8, 8, 8\) .* as in Layer\(..., channel_axis=1\)"):
        Layer(model, "output", COLOR)(x)
    said = Layer(model, "output", COLOR, channel_axis=-1)
    assert torch.equal(said(x), model.conv(x / 64))
    for axis in (0, 4):
        with pytest.raises(AxisError, match=f"channel_axis={axis} of layer 'output' is not a chan"):
            Layer(model, "output", COLOR, channel_axis=axis)(x)


def test_more_axes_stay_as_they_are_unless_the_user_says_which_are_channels() -> None:
    model, x = Change(lambda x: x.unflatten(1, (2, 3))), images()
    assert Layer(model, "output", COLOR)(x).shape == (2, 2, 3, 8, 12)
    said = Layer(model, "output", COLOR, channel_axis=2)
    assert said.code_grid(32, 48).channels == 3
    torch.testing.assert_close(said(x), model(x / 64).permute(0, 1, 3, 4, 2).flatten(1, 3))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x.mean((0, 2, 3)), "no axis of it is the batch"),
        (lambda x: x.sum(), "no axis of it is the batch"),
        (lambda x: x.mean(0, keepdim=True), "no axis of it is the batch"),
    ],
)
def test_an_output_for_the_whole_batch_is_refused(
    change: Callable[[Tensor], Tensor], message: str
) -> None:
    with pytest.raises(AxisError, match=message):
        Layer(Change(change), "output", COLOR)(images(2))


def test_an_output_that_seems_right_for_one_image_is_refused_for_two() -> None:
    phi = Layer(Change(lambda x: x.mean(0, keepdim=True)), "output", COLOR)
    assert phi(images(1)).shape == (1, 6, 8, 12)
    with pytest.raises(AxisError, match=r"2 images have an output of shape \(1, 6, 8, 12\)"):
        phi(images(2))


def test_a_transformer_of_torch_has_its_tokens_second() -> None:
    model, x = encoder(), images(3, 32, 48)
    phi = Layer(model, "encoder.layers.0", COLOR)
    own: list[Tensor] = []
    hook = model.encoder.layers[0].register_forward_hook(lambda m, i, y: own.append(y))
    with torch.no_grad():
        model(x / 64)
    hook.remove()
    assert own[0].shape == (25, 3, 16)
    torch.testing.assert_close(phi(x), own[0].transpose(0, 1))
