"""Batch normalization folded into convolutions: the same function, and only where it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.representations.networks import COLOR, Residual, ResNet, resnet, state
from tests.support import random_image
from torch import Tensor, nn

from preimage.models.efficientnet_lite import EfficientNetLite0, SameConv2d
from preimage.representations.folding import fold_, shadow
from preimage.representations.layer import Layer

CPU = torch.device("cpu")


def trained(model: nn.Module) -> nn.Module:
    """In double precision and evaluation mode, with statistics that training leaves."""
    generator = torch.Generator().manual_seed(1)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d) and module.running_var is not None:
            for tensor in (module.running_mean, module.running_var, module.weight, module.bias):
                if tensor is not None:
                    tensor.data = torch.rand(tensor.shape, generator=generator) + 0.5
    return model.double().eval()


class Watched(nn.Module):
    """Uses the output of its convolution twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        normed: Tensor = self.bn(y)
        return normed + y


class Twice(nn.Module):
    """Calls one convolution twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(self.bn(self.conv(x)))


def chain(conv: nn.Module, norm: nn.Module) -> nn.Sequential:
    return nn.Sequential(conv, norm, nn.ReLU(inplace=True))


def hooked() -> nn.Module:
    model = chain(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    model[0].register_forward_hook(lambda module, inputs, output: None)
    return model


@pytest.mark.parametrize(
    ("model", "count"),
    [
        (chain(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)), 1),
        (chain(nn.Conv2d(3, 6, 3, stride=2, groups=3, bias=False), nn.BatchNorm2d(6)), 1),
        (chain(SameConv2d(3, 4, 5, stride=2, bias=False), nn.BatchNorm2d(4, eps=1e-3)), 1),
        (Residual(3), 1),
        (EfficientNetLite0(), 49),
        (Watched(), 0),
        (Twice(), 0),
        (hooked(), 0),
        (chain(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, affine=False)), 0),
        (chain(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)), 0),
        (chain(nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3)), nn.BatchNorm2d(4)), 0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)
def test_what_is_folded_and_that_value_and_gradient_stay(model: nn.Module, count: int) -> None:
    model = trained(model)
    before = state(model)
    x = random_image(2, 3, 16, 17).requires_grad_()
    expected = model(x)
    weights = torch.rand(expected.shape, dtype=x.dtype)
    copied = shadow(model)
    assert fold_(copied, copied(x[:1])) == count
    found = copied.requires_grad_(False)(x)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
    gradients = [torch.autograd.grad(y, x, weights)[0] for y in (found, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-12)
    assert state(model) == before


def folded_in(phi: Layer) -> bool:
    """Whether the calls inside `frozen` run a copy of the network."""
    return phi._trunk._network is not phi._trunk.model


@pytest.mark.parametrize("layer", ["stem", "body.1.one", "body.1.bn", "body.1", "head"])
def test_inside_frozen_code_and_gradient_are_the_plain_ones(layer: str) -> None:
    """To 1e-5 in single precision, to 1e-9 in double, where no ReLU tips over by rounding."""
    model: ResNet = resnet()
    trained(model)
    for dtype, near in ((torch.float64, 1e-9), (torch.float32, 1e-5)):
        phi = Layer(model.to(dtype), layer, COLOR)
        x = random_image(2, 3, 32, 32).to(dtype).requires_grad_()
        plain = phi(x)
        with phi.frozen(CPU):
            quick = phi(x)
            assert folded_in(phi)
        torch.testing.assert_close(quick, plain, rtol=near, atol=near)
        if dtype == torch.float64:
            gradients = [torch.autograd.grad(y.square().sum(), x)[0] for y in (quick, plain)]
            torch.testing.assert_close(*gradients, rtol=near, atol=near)


class Uncopyable(nn.Conv2d):
    def __deepcopy__(self, memo: object) -> nn.Module:
        raise TypeError("there can be only one")


class Viewing(nn.Module):
    """Works in one memory layout alone."""

    def forward(self, x: Tensor) -> Tensor:
        return x.view(len(x), -1)


class Random(nn.Module):
    """Differs from call to call."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.dropout(x)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Uncopyable(3, 4, 3),
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3), Viewing()),
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3), Random()),
    ],
)
def test_a_network_without_an_equal_copy_runs_as_it_is(make: Callable[[], nn.Module]) -> None:
    model = nn.Sequential(make())
    phi = Layer(model, "0", COLOR)
    with phi.frozen(CPU):
        assert phi(random_image(1, 3, 9, 9).float()).shape[0] == 1
        assert not folded_in(phi)


def test_what_a_layer_runs_is_the_network_again_after_the_block() -> None:
    """Also where the blocks of several layers, or of one, lie in each other."""
    model = trained(resnet())
    body, conv = Layer(model, "body", COLOR), Layer(model, "body.1.one", COLOR)
    x = random_image(1, 3, 32, 32)
    expected = conv(x)
    with body.frozen(CPU), conv.frozen(CPU), body.frozen(CPU):
        body(x)
        torch.testing.assert_close(conv(x), expected)
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
    assert not conv(x).any()
