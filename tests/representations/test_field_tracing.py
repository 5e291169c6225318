"""Receptive fields in networks of every kind, against theory and against changes of single rows."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import torch
from tests.representations.networks import Residual, Tokens
from torch import Tensor, nn
from torch.nn import functional

from preimage.preprocessing import Preprocessing
from preimage.representations.field_tracing import find_field, trace
from preimage.representations.layer import Layer
from preimage.representations.receptive_field import ReceptiveField, chain_rule

SIZE = (64, 64)


class UNet(nn.Module):
    """One level down and up again; `up` doubles the size."""

    def __init__(self, up: nn.Module) -> None:
        super().__init__()
        self.one = nn.Conv2d(3, 4, 3, padding=1)
        self.down = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, padding=1), nn.ReLU())
        self.up = up
        self.two = nn.Conv2d(8, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.one(x)
        result: Tensor = self.two(torch.cat([x, self.up(self.down(x))], 1))
        return result


class Gated(nn.Module):
    """Squeeze and excitation."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.fc = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.body(x)
        gated: Tensor = x * self.fc(functional.adaptive_avg_pool2d(x, 1)).sigmoid()
        return gated


class Atrous(nn.Module):
    """Parallel branches of unequal dilation, and a residual path with a stride."""

    def __init__(self) -> None:
        super().__init__()
        self.branches = nn.ModuleList(nn.Conv2d(3, 4, 3, 2, d, d) for d in (1, 3, 6))
        self.skip = nn.Conv2d(3, 12, 1, 2)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = torch.cat([branch(x) for branch in self.branches], 1) + self.skip(x)
        return result


def seen(network: Callable[[Tensor], Tensor], axis: int) -> tuple[int, int, int]:
    """First and last row that two neighbors in the middle see, joined, and the first of them."""
    generator = torch.Generator().manual_seed(0)
    found = set()
    x = torch.rand((1, 3, *SIZE), generator=generator, dtype=torch.float64)
    for _ in range(2):
        before = network(x)
        middle = before.shape[axis] // 2
        for row in range(SIZE[axis - 2]):
            changed = x.clone()
            changed.select(axis, row).copy_(torch.rand(1, generator=generator)[0])
            if bool((network(changed) != before).select(axis, middle).any()):
                found.add(row)
        x = torch.rand((1, 3, *SIZE), generator=generator, dtype=torch.float64)
    return min(found), max(found), middle


UNIFORM: dict[str, Callable[[], nn.Module]] = {
    "residual": lambda: nn.Sequential(nn.Conv2d(3, 4, 5, 2, 2), Residual(4), Residual(4, 2)),
    "atrous": Atrous,
    "asymmetric": lambda: nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(3, 4, 3, 2)),
    "unequal padding": lambda: nn.Sequential(nn.ZeroPad2d((3, 0, 3, 0)), nn.Conv2d(3, 4, 4)),
    "same": lambda: nn.Conv2d(3, 4, 5, padding="same", dilation=2),
    "rounded up": lambda: nn.Sequential(nn.MaxPool2d(3, 2, ceil_mode=True), nn.AvgPool2d(2, 2)),
    "separable": lambda: nn.Sequential(
        nn.Conv2d(3, 4, (1, 7), padding=(0, 3)), nn.Conv2d(4, 4, (7, 1), padding=(3, 0))
    ),
    "reflected": lambda: nn.Sequential(nn.ReflectionPad2d(9), nn.Conv2d(3, 4, 9)),
    "patches": lambda: nn.Sequential(nn.PixelUnshuffle(4), nn.Conv2d(48, 4, 3, padding=1)),
}


@pytest.mark.parametrize("kind", UNIFORM)
def test_a_field_is_what_single_rows_change(kind: str) -> None:
    network = UNIFORM[kind]().double().eval().requires_grad_(False)
    for parameter in network.parameters():
        nn.init.uniform_(parameter, 0.1, 1)
    field = find_field(lambda x: network(x.double()), SIZE)
    assert field is not None
    for axis in (2, 3):
        first, last, middle = seen(network, axis)
        box = field.box((middle, middle))
        assert (box.top, box.bottom - 1) == (first, last)


@pytest.mark.parametrize(
    ("up", "size"),
    [
        (nn.ConvTranspose2d(4, 4, 2, 2), 11),
        (nn.Upsample(scale_factor=2), 11),
        (nn.Upsample(scale_factor=2, mode="bilinear"), 13),
    ],
)
def test_the_field_of_a_unet_covers_what_all_neighbors_see(up: nn.Module, size: int) -> None:
    network = UNet(up).eval()
    field = find_field(network, SIZE)
    assert field == ReceptiveField(size, 1, field.offset if field else 0)
    double = UNet(up).double().eval()
    for axis in (2, 3):
        first, last, middle = seen(double, axis)
        box = field.box((middle, middle))
        assert box.top <= first <= last < box.bottom


def test_a_kernel_that_is_not_square_has_the_square_around_it() -> None:
    wide = nn.Conv2d(3, 4, (3, 7), padding=(1, 3))
    assert find_field(wide, SIZE) == ReceptiveField(7, 1, 0.0)
    assert find_field(nn.Conv2d(3, 4, (3, 3), (1, 2)), SIZE) is None


@pytest.mark.parametrize(
    "network",
    [Gated(), nn.InstanceNorm2d(3), nn.AdaptiveAvgPool2d(1), nn.Softmax(2), Tokens()],
    ids=lambda network: type(network).__name__,
)
def test_what_mixes_the_whole_image_has_no_field(network: nn.Module) -> None:
    assert find_field(network.eval(), SIZE) is None


def test_the_field_of_an_adaptive_pooling_is_that_at_the_size_of_the_network() -> None:
    pool = nn.AdaptiveAvgPool2d(4)
    assert find_field(pool, SIZE) == ReceptiveField(16, 16, 7.5)
    assert find_field(pool, (32, 32)) == ReceptiveField(8, 8, 3.5)


def test_a_map_with_its_channels_last_has_the_same_field() -> None:
    convolution = nn.Conv2d(3, 4, 5, 2, 2)
    assert find_field(lambda x: convolution(x).permute(0, 2, 3, 1), SIZE) == (
        ReceptiveField(5, 2, 0.0)
    )


def test_a_token_sees_its_patch_before_attention_and_the_whole_image_after() -> None:
    tokens = Tokens().eval()

    def embedded(x: Tensor) -> Tensor:
        patches = tokens.embed(x).flatten(2).mT
        return torch.cat([torch.zeros(len(x), 1, 16), patches], 1)

    assert find_field(embedded, SIZE) == ReceptiveField(4, 4, 1.5)
    assert find_field(embedded, (32, 64)) == ReceptiveField(4, 4, 1.5)
    assert find_field(lambda x: tokens.blocks[0](embedded(x)), SIZE) is None


def test_one_pass_finds_the_fields_of_all_layers_as_the_chain_rule_does() -> None:
    layers = nn.Sequential(
        nn.Conv2d(3, 4, 7, 2, 3), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(4, 4, 3), nn.Tanh()
    )

    def outputs(x: Tensor) -> dict[str, Tensor]:
        found = {}
        for name, layer in layers.named_children():
            found[name] = x = layer(x)
        return found

    assert trace(outputs, SIZE) == chain_rule(layers)


def test_weights_and_rectifiers_that_are_off_play_no_part() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3)).requires_grad_(False)
    for parameter in network.parameters():
        parameter.fill_(-1)
    assert find_field(network, SIZE) == ReceptiveField(5, 1, 2.0)


def test_a_network_of_one_size_is_traced_at_that_size() -> None:
    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.near, self.far = nn.Conv2d(3, 4, 5, 4), nn.Conv2d(4, 4, 15, padding=7)

        def forward(self, x: Tensor) -> Tensor:
            assert x.shape[2:] == SIZE
            x = self.near(x)
            scores: Tensor = self.far(x)
            return scores

    network, size = Fixed(), Preprocessing(mean=(127.5,) * 3, size=SIZE)
    assert Layer(network, "near", size).receptive_field == ReceptiveField(5, 4, 2.0)
    assert Layer(network, "far", size).receptive_field is None


def test_what_no_rule_covers_is_measured() -> None:
    def network(x: Tensor) -> Tensor:
        ordered: Tensor = functional.avg_pool2d(x, 3, 2).sort(1).values
        return ordered

    assert trace(lambda x: {"sorted": network(x)}, SIZE) == {}
    assert find_field(network, SIZE) == ReceptiveField(3, 2, 1.0)


def test_measuring_gives_up_after_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(range(0, 1000, 6))
    monkeypatch.setattr(time, "perf_counter", lambda: next(times))
    assert find_field(lambda x: x.sort(1).values, SIZE) is None


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "size"),
    [(2, 2, 0, 4), (4, 2, 1, 5), (3, 3, 0, 4), (3, 2, 1, 5)],
)
def test_a_map_finer_than_the_image_has_a_fraction_as_stride(
    kernel: int, stride: int, padding: int, size: int
) -> None:
    up = nn.ConvTranspose2d(2, 2, kernel, stride, padding)
    network = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), up)
    field = find_field(network, (48, 48), channels=1)
    assert field is not None
    assert field.stride == 1 / stride
    assert field.size <= size
    x = torch.zeros(1, 1, 48, 48).requires_grad_()
    codes = network(x)
    for row in range(40, 46):  # the box of a response covers all pixels that it depends on
        (gradient,) = torch.autograd.grad(codes[0, :, row, 40].sum(), x, retain_graph=True)
        top, _, bottom, _ = field.box((row, 40))
        rows = gradient[0, 0].abs().sum(1).nonzero().flatten().tolist()
        assert top <= min(rows) <= max(rows) < bottom
