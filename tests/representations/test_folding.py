"""Batch normalization folded into convolutions: the same function, and only where it is."""

from __future__ import annotations

import pytest
import torch
from tests.representations.networks import Residual, state, trained
from tests.support import random_image
from torch import Tensor, nn

from preimage.models.efficientnet_lite import EfficientNetLite, SameConv2d
from preimage.representations.folding import fold_, shadow


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
        (EfficientNetLite(), 49),
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


def test_a_network_without_parameters_has_nothing_to_fold() -> None:
    chain = nn.Sequential(nn.Tanh(), nn.AvgPool2d(2))
    assert fold_(chain, chain(torch.ones(1, 3, 4, 4))) == 0
