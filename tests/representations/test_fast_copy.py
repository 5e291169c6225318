"""The faster copy of a network: what it computes, and networks that have none."""

from __future__ import annotations

import pytest
import torch
from tests.representations.networks import COLOR, ResNet, resnet, state, trained
from tests.support import random_image
from torch import Tensor, nn

from preimage.representations.borrowing import evaluation_mode
from preimage.representations.fast_copy import (
    NoCopyError,
    channels_last,
    fast_copy,
    trial_outputs,
)
from preimage.representations.layer import Layer
from preimage.representations.network_error import Part

CPU = torch.device("cpu")


@pytest.mark.parametrize("layer", ["stem", "body.1.one", "body.1.bn", "body.1", "head"])
def test_in_a_session_code_and_gradient_are_the_plain_ones(layer: str) -> None:
    """To 1e-5 in single precision, to 1e-9 in double, where no ReLU tips over by rounding."""
    model: ResNet = resnet()
    trained(model)
    for dtype, near in ((torch.float64, 1e-9), (torch.float32, 1e-5)):
        phi = Layer(model.to(dtype), layer, COLOR)
        x = random_image(2, 3, 32, 32).to(dtype).requires_grad_()
        plain = phi(x)
        with phi.session(CPU) as session:
            quick = phi(x)
            assert session.ran.network == "folded"
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


class NaN(nn.Module):
    """What a network returns whose training diverged."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.nan


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (Uncopyable(3, 4, 3), "cannot be copied .there can be only one"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), Viewing()), "cannot be copied .view size is not"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), Random()), "a copy computes something else"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), NaN()), "its outputs are NaN or infinite"),
    ],
)
def test_a_network_without_an_equal_copy_says_why(module: nn.Module, reason: str) -> None:
    model = nn.Sequential(module)
    part, x = Part(model, ("0",)), random_image(1, 3, 9, 9).float()
    with evaluation_mode(model, CPU):
        expected = trial_outputs(part, x)
        with pytest.raises(NoCopyError, match=reason):
            fast_copy(part, x, expected, folds=True, recomputes=False)


def test_a_copy_shares_the_weights_and_leaves_the_network_alone() -> None:
    model = resnet()
    before = state(model)
    with evaluation_mode(model, CPU):
        part, x = Part(model, ("body",)), random_image(1, 3, 32, 32).float()
        copied = fast_copy(part, x, trial_outputs(part, x), folds=True, recomputes=True)
    assert state(model) == before
    shared = (network.get_parameter("head.weight").data_ptr() for network in (copied, model))
    assert len(set(shared)) == 1


def test_channels_lie_last_in_memory_on_a_cpu() -> None:
    assert channels_last(torch.zeros(2, 3, 4, 5)).stride() == (60, 1, 15, 3)
