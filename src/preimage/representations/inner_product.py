"""The gradient of an inner product of codes and weights.

`torch.autograd.grad(codes, x, weights)` computes the same. It compares the shapes of codes and
weights as symbols, for which torch imports sympy, half a second at the start of a process.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class _InnerProduct(torch.autograd.Function):
    """The inner product, of which only the gradient is computed: its value is zero."""

    @staticmethod
    def forward(ctx: Any, codes: Tensor, weights: Tensor) -> Tensor:
        ctx.save_for_backward(weights)
        return codes.new_zeros(())

    @staticmethod
    def backward(ctx: Any, *_: Tensor) -> tuple[Tensor, None]:
        (weights,) = ctx.saved_tensors
        return weights, None


def inner_product_gradient(codes: Tensor, x: Tensor, weights: Tensor) -> Tensor | None:
    """Return the gradient of the inner product of codes and weights with respect to `x`.

    Args:
        codes: a tensor that was computed with gradients.
        x: the tensor that it was computed from; if it was not, the result is None.
        weights: a tensor of the shape of `codes`.

    >>> x = torch.tensor([2.0, 3.0], requires_grad=True)
    >>> inner_product_gradient(x**2, x, torch.tensor([1.0, 10.0]))
    tensor([ 4., 60.])
    """
    with torch.enable_grad():
        product = _InnerProduct.apply(codes, weights)
    gradient: Tensor | None
    (gradient,) = torch.autograd.grad(product, x, allow_unused=True)
    return gradient
