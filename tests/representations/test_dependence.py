"""The values that values depend on, against changes of many random images in double precision."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from preimage.representations.dependence import Dependence

SHAPE = (1, 4, 13, 6)
Function = Callable[[Tensor], Tensor]


def by_changes(function: Function, axis: int) -> tuple[Tensor, Tensor]:
    """First and last row whose change changes a value for some image; infinite for none."""
    generator = torch.Generator().manual_seed(0)
    count = SHAPE[axis]
    seen = torch.zeros(count, *function(torch.zeros(SHAPE).double()).shape, dtype=torch.bool)
    for _ in range(20):
        x, y = torch.rand((2, *SHAPE), generator=generator, dtype=torch.float64) - 0.3
        before = function(x)
        for row in range(count):
            changed = x.clone()
            changed.select(axis, row).copy_(y.select(axis, row))
            seen[row] |= function(changed) != before
    first = seen.byte().argmax(0)
    last = count - 1 - seen.flip(0).byte().argmax(0)
    return first.where(seen.any(0), torch.inf), last.where(seen.any(0), -torch.inf)


def positive(module: nn.Module) -> nn.Module:
    """Weights of one sign, so that no two paths cancel."""
    for parameter in module.parameters():
        nn.init.uniform_(parameter, 0.1, 1)
    return module.double().eval().requires_grad_(False)


def written(x: Tensor) -> Tensor:
    y = torch.zeros(1, 4, 13, 12, dtype=x.dtype)
    y[..., ::2] = x
    y[:, 1:3, 2:, 1::2] += x[:, :2, :-2]
    return y


def in_place(x: Tensor) -> Tensor:
    y = functional.conv2d(x, torch.ones(4, 4, 1, 1, dtype=x.dtype))
    y.add_(x.roll(1, 2)).mul_(2)
    return functional.leaky_relu_(y, 0.1)


def windows(x: Tensor) -> Tensor:
    """Attention within windows of three rows."""
    y = x[:, :, :12].reshape(1, 4, 4, 3, 6).permute(0, 2, 3, 4, 1).reshape(4, 18, 4)
    z = functional.scaled_dot_product_attention(y, y, y)
    return z.view(1, 4, 3, 6, 4).permute(0, 4, 1, 2, 3).reshape(1, 4, 12, 6)


def attention(x: Tensor) -> Tensor:
    y = x.flatten(2).transpose(1, 2)
    return (y @ y.transpose(1, 2)).softmax(-1) @ y


def gate(x: Tensor) -> Tensor:
    return x * functional.adaptive_avg_pool2d(x, 1).sigmoid()


def shuffled(x: Tensor) -> Tensor:
    one, other = x.chunk(2, 1)
    both = torch.cat([one, functional.avg_pool2d(other, 3, 1, 1)], 1)
    return both.view(1, 2, 2, 13, 6).transpose(1, 2).reshape(1, 4, 13, 6)


CONVOLUTION, LINEAR = positive(nn.Conv2d(4, 2, 3)), positive(nn.Linear(4, 3))
ONE_AXIS = positive(nn.Conv1d(4, 2, 3, 2))
DEPTHWISE = positive(nn.Conv2d(4, 4, 3, padding=1, groups=4))

FUNCTIONS: dict[str, Function] = {
    "convolution": positive(nn.Conv2d(4, 3, 3, 2, 1)),
    "tall kernel": positive(nn.Conv2d(4, 3, (5, 1), (2, 1), (1, 0))),
    "dilated": positive(nn.Conv2d(4, 3, 3, 1, 2, 2)),
    "groups": nn.Sequential(nn.Identity(), positive(nn.Conv2d(4, 8, 3, groups=2))),
    "depthwise of unequal": lambda x: DEPTHWISE(shuffled(x)),
    "padding same": positive(nn.Conv2d(4, 3, 3, padding="same", dilation=2)),
    "reflected": positive(nn.Conv2d(4, 3, 3, padding=1, padding_mode="reflect")),
    "circular": positive(nn.Conv2d(4, 3, 3, padding=1, padding_mode="circular")),
    "transposed": positive(nn.ConvTranspose2d(4, 3, 3, 2, 1, 1)),
    "transposed by two": positive(nn.ConvTranspose2d(4, 3, 2, 2)),
    "transposed, dilated": positive(nn.ConvTranspose2d(4, 3, 3, 2, 2, dilation=2)),
    "average": nn.AvgPool2d(3, 2, 1, ceil_mode=True),
    "average, rounded up": nn.AvgPool2d(2, ceil_mode=True),
    "maximum": nn.MaxPool2d(3, 2, 1, ceil_mode=True),
    "maximum, dilated": nn.MaxPool2d(2, 1, dilation=3),
    "adaptive": nn.AdaptiveAvgPool2d(5),
    "adaptive maximum": nn.AdaptiveMaxPool2d((4, 2)),
    "normalized channels": nn.LocalResponseNorm(3),
    "padded": lambda x: CONVOLUTION(functional.pad(x, (0, 1, 2, 0))),
    "cropped": lambda x: functional.pad(x, (0, -1, -2, 3)),
    "nearest": lambda x: functional.interpolate(x, scale_factor=2),
    "bilinear": lambda x: functional.interpolate(x, scale_factor=1.7, mode="bilinear"),
    "corners": lambda x: functional.interpolate(x, (25, 5), mode="bilinear", align_corners=True),
    "bicubic": lambda x: functional.interpolate(x, (9, 9), mode="bicubic"),
    "smoothed": lambda x: functional.interpolate(x, (5, 3), mode="bilinear", antialias=True),
    "shuffled channels": shuffled,
    "pixels shuffled": nn.PixelShuffle(2),
    "in place": in_place,
    "written into zeros": written,
    "windows": windows,
    "attention": attention,
    "gate": gate,
    "softmax of channels": nn.Softmax(1),
    "softmax of rows": nn.Softmax(2),
    "channels last": lambda x: LINEAR(functional.layer_norm(x.permute(0, 2, 3, 1), (4,))),
    "group norm": nn.GroupNorm(2, 4).double(),
    "instance norm": nn.InstanceNorm2d(4),
    "batch norm": nn.Sequential(nn.BatchNorm2d(4), nn.Hardswish(), nn.PReLU()).double().eval(),
    "mean": lambda x: x.mean(2),
    "deviation": lambda x: x.std((2, 3), keepdim=True),
    "largest": lambda x: x.max(1).values,
    "unit length": lambda x: functional.normalize(x, dim=1),
    "sum of products": lambda x: torch.einsum("nchw,ndhw->ncdh", x, x),
    "slices": lambda x: torch.stack([x[:, 0, 1::2], x[:, 1, :-1:2]], 1).flip(2),
    "chosen": lambda x: x[:, :, [3, 1, 7]].index_select(1, torch.tensor([2, 0])),
    "condition": lambda x: torch.where(x > 0.2, x, 0.1 * x.roll(1, 2)),
    "halves": nn.GLU(1),
    "cumulative": lambda x: x.cumsum(1),
    "volume": lambda x: functional.avg_pool3d(x[:, None], (3, 2, 1), 1)[:, 0],
    "one axis": lambda x: ONE_AXIS(x.mean(3)),
    "tokens": lambda x: torch.cat([torch.ones(1, 1, 4).to(x), x.flatten(2).mT], 1)[:, 1:],
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("axis", [2, 3])
def test_every_value_depends_on_the_rows_whose_change_changes_it(name: str, axis: int) -> None:
    function = FUNCTIONS[name]
    first, last = by_changes(function, axis)
    image = torch.zeros(SHAPE, dtype=torch.float64)
    with torch.no_grad(), Dependence(image, axis) as dependence:
        output = function(image)
    found = dependence.rows(output)
    assert found is not None
    some = first.isfinite()  # for padding alone no claim is made
    assert torch.equal(found[0].expand(output.shape)[some], first[some].to(found[0]))
    assert torch.equal(found[1].expand(output.shape)[some], last[some].to(found[1]))


def test_an_operation_without_a_rule_makes_what_follows_unknown() -> None:
    image = torch.zeros(SHAPE)
    with torch.no_grad(), Dependence(image, 2) as dependence:
        ranked = image.sort(2).values + image
        independent = torch.ones(3) * 2
    assert dependence.rows(ranked) is None
    assert dependence.rows(independent) is None
    assert dependence.rows(image) is not None
