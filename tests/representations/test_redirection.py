"""Gradients through activations that would stop them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from preimage.representations.redirection import pass_stopped_gradients


def gradient(network: nn.Module, x: Tensor, target: Tensor | None = None) -> Tensor:
    x = x.clone().requires_grad_()
    codes = network(x)
    pass_stopped_gradients(codes)
    (found,) = torch.autograd.grad(codes, x, torch.ones_like(codes) if target is None else target)
    return found


@pytest.mark.parametrize(
    "activation",
    [
        nn.ReLU(),
        nn.ReLU(inplace=True),
        nn.ReLU6(),
        nn.Hardswish(),
        nn.Hardsigmoid(),
        nn.Sigmoid(),
        nn.Tanh(),
        nn.SiLU(),
        nn.GELU(),
        nn.Mish(),
        nn.ELU(),
        nn.Softplus(),
    ],
    ids=repr,
)
def test_a_gradient_passes_an_activation_that_is_off(activation: nn.Module) -> None:
    class Copied(nn.Module):  # a leaf must not be changed in place
        def forward(self, x: Tensor) -> Tensor:
            result: Tensor = activation(x.clone())
            return result

    x = torch.full((1, 1, 2, 2), -12.0)
    assert torch.equal(gradient(Copied(), x), torch.ones_like(x))


def test_the_gradient_of_an_activation_that_is_on_is_its_own() -> None:
    x = torch.tensor([[2.0, -1.0, 0.5]])
    network = nn.Sequential(nn.Linear(3, 3), nn.Tanh())
    torch.manual_seed(0)
    expected = torch.autograd.functional.vjp(network, x, torch.ones(1, 3))[1]
    assert torch.equal(gradient(network, x), expected)


def test_only_the_channel_that_is_off_is_passed_on() -> None:
    x = torch.stack([torch.full((2, 2), -1.0), torch.tensor([[1.0, -1.0], [-1.0, 1.0]])])[None]
    found = gradient(nn.ReLU(), x)
    assert torch.equal(found[0, 0], torch.ones(2, 2))
    assert torch.equal(found[0, 1], (x[0, 1] > 0).float())


def test_an_earlier_activation_passes_only_what_it_stops_altogether() -> None:
    class Two(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            inner = functional.relu(x)
            return functional.relu(inner.sum((2, 3)) - 9)

    half = torch.tensor([[[[1.0, -1.0]]]])
    assert gradient(Two(), half).flatten().tolist() == [1, 0]
    assert gradient(Two(), -half.abs()).flatten().tolist() == [1, 1]
