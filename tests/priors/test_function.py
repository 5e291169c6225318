"""A user's own function as a prior."""

from __future__ import annotations

import functools
from typing import Any

import pytest
import torch
from tests.support import random_image
from torch import Tensor

from preimage.priors.function import FunctionPrior, name_of


def squares(x: Tensor) -> Tensor:
    return x.square().mean((1, 2, 3))


def squares_and_gradient(x: Tensor) -> tuple[Tensor, Tensor]:
    return squares(x), 2 * x / x[0].numel()


@pytest.mark.parametrize("function", [squares, squares_and_gradient])
def test_the_gradient_is_that_of_torch_or_the_function_s_own(function: Any) -> None:
    x = random_image(3, 2, 4, 5)
    gradient = torch.ones_like(x)
    with torch.no_grad():
        value = FunctionPrior(function).scaled(3).scaled(2).add(x, gradient)
    torch.testing.assert_close(value, 6 * squares(x))
    torch.testing.assert_close(gradient, 1 + 12 * x / 40)
    assert not gradient.requires_grad
    assert not value.requires_grad


def test_a_function_sees_one_image_at_a_time_and_cannot_change_it() -> None:
    seen = []

    def spoil(x: Tensor) -> tuple[Tensor, Tensor]:
        seen.append(tuple(x.shape))
        with torch.no_grad():
            x.zero_()
        return x.detach().sum((1, 2, 3)), torch.zeros_like(x)

    x = random_image(3, 2, 4, 5)
    before = x.clone()
    FunctionPrior(spoil).add(x, torch.zeros_like(x))
    assert seen == [(1, 2, 4, 5)] * 3
    assert torch.equal(x, before)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x.square().sum(), r"values of shape \(N,\).* not a tensor of shape \(\) for N"),
        (lambda _: 3.0, "not float for N = 1"),
        (lambda x: (squares(x), x, x), r"not \(a tensor of shape \(1,\), a tensor .*\) for N"),
        (lambda x: squares(x.detach()), "that torch cannot differentiate"),
        (lambda x: (squares(x), x[0]), r"a gradient of shape \(1, 2, 4, 5\) .* \(2, 4, 5\)"),
    ],
)
def test_what_does_not_fit_is_refused_by_the_function_s_name(function: Any, message: str) -> None:
    x = random_image(1, 2, 4, 5)
    with pytest.raises(ValueError, match=rf"the prior <lambda>\(\).*{message}"):
        FunctionPrior(function).add(x, torch.zeros_like(x))


def test_a_function_is_named_by_its_own_name_or_by_its_type() -> None:
    assert name_of(squares) == "squares()"
    assert name_of(functools.partial(squares)) == "partial()"
