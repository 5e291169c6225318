"""The gradient of an inner product beside that of `torch.autograd.grad`."""

from __future__ import annotations

import pytest
import torch

from preimage.representations.inner_product import inner_product_gradient


def test_it_equals_autograd_to_the_bit() -> None:
    generator = torch.Generator().manual_seed(0)
    x, kernel = (torch.randn(shape, generator=generator) for shape in ((1, 3, 9, 8), (5, 3, 3, 3)))
    x.requires_grad_()
    codes = torch.relu(torch.conv2d(x, kernel, stride=2))
    weights = torch.randn(codes.shape, generator=generator)
    (expected,) = torch.autograd.grad(codes, x, weights, retain_graph=True)
    found = inner_product_gradient(codes, x, weights)
    assert found is not None
    assert expected.any()
    assert torch.equal(found, expected)


def test_an_unrelated_tensor_has_no_gradient() -> None:
    x, other = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    assert inner_product_gradient(2 * x, other, torch.ones(2)) is None


def test_weights_of_another_shape_are_refused() -> None:
    x = torch.ones(2, 3, requires_grad=True)
    with pytest.raises(RuntimeError, match="shape"):
        inner_product_gradient(2 * x, x, torch.ones(4, 3))
