"""Gradients through activations that would stop them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
        nn.CELU(0.1),
        nn.Softplus(),
        nn.LeakyReLU(0.0),
        nn.RReLU(0.0, 0.0).eval(),
        nn.Softshrink(20.0),
        nn.Hardshrink(20.0),
        nn.Sequential(nn.ReLU(), nn.ReLU()),
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


class OwnReLU(torch.autograd.Function):
    """A rectifier whose gradient autograd does not know."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        result: Tensor = gradient * (x > 0)
        return result


RECTIFIERS: dict[str, Callable[[Tensor], Tensor]] = {
    "product": lambda x: x * (x > 0),
    "product of numbers": lambda x: x * (x > 0).float(),
    "where": lambda x: torch.where(x > 0, x, torch.zeros_like(x)),
    "masked_fill": lambda x: x.masked_fill(x < 0, 0.0),
    "index_put": lambda x: x.index_put((x < 0,), torch.zeros(())),
    "maximum": lambda x: torch.maximum(x, torch.zeros(())),
    "fmax": lambda x: torch.fmax(x, torch.zeros(())),
    "prelu": lambda x: functional.prelu(x, torch.zeros(1)),
    "own function": OwnReLU.apply,
}


@pytest.mark.parametrize("name", RECTIFIERS)
def test_rectifiers_are_known_by_what_they_do(name: str) -> None:
    class Written(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return RECTIFIERS[name](x)

    x = torch.tensor([[[-3.0, -2.0], [1.0, -1.0]]])
    assert gradient(Written(), x).tolist() == [[[1.0, 1.0], [1.0, 0.0]]]


@pytest.mark.parametrize(
    ("change", "sign"),
    [
        (lambda x: torch.relu(x) ** 2, 1),
        (lambda x: torch.relu(x).square(), 1),
        (lambda x: (torch.relu(x) + 1e-6).sqrt(), 1),
        (lambda x: x * torch.relu(x), 1),
        (lambda x: x * torch.sigmoid(x), 1),
        (lambda x: x * functional.relu6(x + 3) / 6, 1),
        (lambda x: functional.glu(torch.cat([x, x], 1), 1), 1),
        (lambda x: -(torch.relu(x) ** 2), -1),
    ],
)
def test_a_gradient_passes_chains_and_gates_that_are_closed(
    change: Callable[[Tensor], Tensor], sign: int
) -> None:
    class Written(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return change(x)

    found = gradient(Written(), torch.full((1, 2, 2, 2), -12.0))
    assert bool((sign * found > 0.1).all())


@pytest.mark.parametrize(
    "change",
    [
        lambda x: torch.where(x > 0, x, 0.1 * x),
        lambda x: torch.maximum(x, 0.5 * x),
        lambda x: -x * 1e-5,
        lambda x: x * x.sigmoid(),
        lambda x: x.abs() + x,
        lambda x: functional.conv2d(x, torch.tensor([[0.0, 1.0], [0.0, 0.0]])[..., None, None]),
        lambda x: functional.max_pool2d(x, 3, 1, 1).flip(3),
        lambda x: functional.glu(x, 1),
    ],
)
def test_what_stops_nothing_keeps_its_own_gradient(change: Callable[[Tensor], Tensor]) -> None:
    class Written(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return change(x)

    x = torch.tensor([[[[2.0, -1.0], [0.5, -0.3]], [[1.0, 2.0], [-0.5, 0.1]]]])
    weights = torch.ones_like(change(x))
    weights[:, 1:] = 0
    expected = torch.autograd.functional.vjp(change, x, weights)[1]
    assert torch.equal(gradient(Written(), x, weights), expected)


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
