"""The losses of Eqs. 2-4: values, masks, gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from preimage.losses import (
    DiverseInnerProduct,
    FunctionLoss,
    InnerProduct,
    SquaredDistance,
    inner_product,
    relative_error,
    squared_distance,
)
from tests.support import random_image


def _codes() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    mask = (random_image(5, 1, 2, seed=3) > 0).double()
    return random_image(2, 5, 3, 2, seed=1), random_image(2, 5, 3, 2, seed=2), mask


def test_the_squared_distance_is_eq_2() -> None:
    codes, target, _ = _codes()
    for value, code, wanted in zip(squared_distance(codes, target), codes, target, strict=True):
        expected = ((code - wanted) ** 2).sum() / (wanted**2).sum()
        assert value == pytest.approx(float(expected), rel=1e-14)


def test_a_mask_counts_only_what_it_keeps_as_in_eq_3() -> None:
    codes, target, mask = _codes()
    kept = mask.expand(5, 3, 2).bool()
    value = squared_distance(codes, target, mask)[1]
    expected = (codes[1] - target[1])[kept].norm() ** 2 / target[1][kept].norm() ** 2
    assert value == pytest.approx(float(expected), rel=1e-14)
    torch.testing.assert_close(
        squared_distance(codes, target, torch.ones_like(target)), squared_distance(codes, target)
    )


def test_the_inner_product_is_eq_4() -> None:
    codes, target, _ = _codes()
    normalizer = torch.tensor([2.0, 5.0], dtype=torch.float64)
    products = np.einsum("nkvu,nkvu->n", codes.numpy(), target.numpy())
    expected = -products / normalizer.numpy()
    np.testing.assert_allclose(inner_product(codes, target, normalizer), expected, rtol=1e-14)


def test_the_relative_error_is_a_ratio_of_norms() -> None:
    codes, target, mask = _codes()
    expected = (codes - target).flatten(1).norm(dim=1) / target.flatten(1).norm(dim=1)
    torch.testing.assert_close(relative_error(codes, target), expected)
    masked = ((codes - target) * mask).flatten(1).norm(dim=1) / (target * mask).flatten(1).norm(
        dim=1
    )
    torch.testing.assert_close(relative_error(codes, target, mask), masked)


def test_every_loss_passes_gradcheck() -> None:
    codes, target, mask = _codes()
    codes = (codes / 100).requires_grad_()
    target = target / 100
    normalizer = torch.tensor([2.0, 5.0], dtype=torch.float64)
    for loss in (
        lambda c: squared_distance(c, target),
        lambda c: squared_distance(c, target, mask),
        lambda c: relative_error(c, target, mask),
        lambda c: inner_product(c, target, normalizer),
    ):
        assert torch.autograd.gradcheck(loss, codes, eps=1e-6, atol=1e-9, rtol=1e-7)


@pytest.mark.parametrize("masked", [False, True])
def test_the_closed_form_gradient_of_the_squared_distance_is_that_of_autograd(
    masked: bool,
) -> None:
    codes, target, some = _codes()
    mask = some if masked else None
    before = codes.clone()
    value, gradient = SquaredDistance(target, mask)(codes)
    plain = squared_distance(codes.requires_grad_(), target, mask)
    torch.testing.assert_close(value, plain.detach(), rtol=1e-14, atol=0)
    (expected,) = torch.autograd.grad(plain.sum(), codes)
    torch.testing.assert_close(gradient, expected, rtol=1e-13, atol=0)
    assert torch.equal(codes, before)


def test_a_target_that_is_zero_is_refused_also_within_the_mask() -> None:
    target = torch.zeros(2, 3)
    target[0] = 1
    with pytest.raises(ValueError, match="target code is zero"):
        SquaredDistance(target)
    with pytest.raises(ValueError, match="target code is zero"):
        SquaredDistance(torch.tensor([[1.0, 0.0]]), torch.tensor([0.0, 1.0]))


def test_the_rest_of_a_batch_does_not_change_a_loss_by_a_bit() -> None:
    # A row of 7 * 3 values starts at every possible alignment in the batch.
    codes = random_image(16, 7, 3, seed=1).float()
    target = random_image(16, 7, 3, seed=2).float()
    batch, batch_gradient = SquaredDistance(target)(codes)
    error = relative_error(codes, target)
    for n in range(16):
        alone = SquaredDistance(target[n : n + 1].clone())
        value, gradient = alone(codes[n : n + 1].clone())
        assert torch.equal(value[0], batch[n])
        assert torch.equal(gradient[0], batch_gradient[n])
        assert torch.equal(relative_error(codes[n : n + 1], target[n : n + 1])[0], error[n])


def test_the_closed_form_gradient_of_the_inner_product_is_that_of_autograd() -> None:
    codes, target, some = _codes()
    before, sparse = codes.clone(), target * some
    value, gradient = InnerProduct(sparse)(codes)
    plain = inner_product(codes.requires_grad_(), sparse, torch.ones(len(codes)))
    torch.testing.assert_close(value, plain.detach(), rtol=1e-13, atol=0)
    (expected,) = torch.autograd.grad(plain.sum(), codes)
    torch.testing.assert_close(gradient, expected, rtol=1e-13, atol=0)
    gradient.mul_(2)
    assert torch.equal(codes, before)
    torch.testing.assert_close(InnerProduct(sparse)(codes.detach())[1], expected)


def test_an_inner_product_is_the_same_with_channels_last_and_flattens_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codes, target, _ = _codes()
    loss = InnerProduct(target)
    value, gradient = loss(codes)
    last = codes.contiguous(memory_format=torch.channels_last)
    with monkeypatch.context() as without:
        without.setattr(Tensor, "flatten", None)
        again, gradient_again = loss(last)
    torch.testing.assert_close(again, value, rtol=1e-14, atol=0)
    assert torch.equal(gradient_again, gradient)
    assert gradient_again.stride() == last.stride()


@pytest.mark.parametrize("shape", [(4, 3, 5, 2), (4, 6, 3)])
def test_the_likeness_of_seeds_is_the_mean_cosine_of_their_gram_matrices(
    shape: tuple[int, ...],
) -> None:
    codes = random_image(*shape, seed=1, scale=2)
    diverse = DiverseInnerProduct(
        InnerProduct(torch.zeros_like(codes)), 2, torch.ones(2, dtype=codes.dtype)
    )
    features = codes.flatten(2) if len(shape) == 4 else codes.transpose(1, 2)
    grams = torch.stack([f @ f.T for f in features]).flatten(1)
    cosines = torch.nn.functional.cosine_similarity(grams[::2], grams[1::2])
    torch.testing.assert_close(diverse.likeness(codes), cosines.repeat_interleave(2))


def test_the_gradient_of_diversity_is_that_of_finite_differences() -> None:
    codes = random_image(6, 3, 4, 2, seed=1, scale=2).requires_grad_()
    target = random_image(6, 3, 4, 2, seed=2, scale=2)
    weights = torch.tensor([0.5, 3.0], dtype=torch.float64)
    diverse = DiverseInnerProduct(InnerProduct(target), 3, weights)

    def likeness(x: Tensor) -> Tensor:
        return diverse.likeness(x)

    assert torch.autograd.gradcheck(likeness, (codes,))
    value, gradient = diverse(codes)
    alone = -(codes * target).flatten(1).sum(1)
    plain = alone + weights.repeat_interleave(3) * diverse.likeness(codes)
    torch.testing.assert_close(value, plain.detach())
    (expected,) = torch.autograd.grad(plain.sum(), codes)
    torch.testing.assert_close(gradient, expected)


def test_diversity_needs_something_to_compare() -> None:
    loss = InnerProduct(torch.zeros(2, 3))
    with pytest.raises(ValueError, match="at least two seeds"):
        DiverseInnerProduct(loss, 1, torch.ones(2))
    with pytest.raises(ValueError, match="channels of maps or tokens"):
        DiverseInnerProduct(loss, 2, torch.ones(1))(torch.zeros(2, 3))


@pytest.mark.parametrize("scale", [1e-30, 1e-25, 1e-18, 1e18, 1e25, 1e30])
def test_codes_whose_squares_leave_single_precision_have_the_loss_of_ordinary_ones(
    scale: float,
) -> None:
    codes, target, mask = (tensor.float() for tensor in _codes())
    for kept in (None, mask):
        loss = SquaredDistance(target * scale, kept)
        values, gradient = loss(codes * scale)
        expected, expected_gradient = SquaredDistance(target, kept)(codes)
        torch.testing.assert_close(values, expected)
        torch.testing.assert_close(gradient * scale, expected_gradient)
        torch.testing.assert_close(loss.select([1])(codes[1:] * scale)[0], expected[1:])
        torch.testing.assert_close(
            relative_error(codes * scale, target * scale, kept), expected.sqrt()
        )


def test_a_power_of_two_changes_no_bit_of_the_loss_and_only_zeros_are_zero() -> None:
    codes, target, _ = (tensor.float() for tensor in _codes())
    expected, scale = SquaredDistance(target)(codes), 2.0**-80
    found = SquaredDistance(target * scale)(codes * scale)
    assert torch.equal(found[0], expected[0])
    assert torch.equal(found[1] * scale, expected[1])
    with pytest.raises(ValueError, match="the target code is zero"):
        SquaredDistance(torch.stack([target[0] * scale, 0 * target[1]]))


def test_the_gradient_of_functions_is_that_of_each_image_alone() -> None:
    codes = random_image(3, 2, 4, 5, seed=1, scale=2)
    functions = [
        lambda code: code.square().sum(),
        lambda code: code[0, 1].exp().mean(),
        lambda code: code[0, 0, 2, 3],
    ]
    loss = FunctionLoss(functions)
    value, gradient = loss(codes)
    expected = torch.stack([functions[n](codes[n : n + 1]) for n in range(3)])
    assert torch.equal(value, -expected)
    assert torch.equal(loss.response(codes), expected)
    torch.testing.assert_close(gradient[0], -2 * codes[0])
    torch.testing.assert_close(gradient[1, 1], -codes[1, 1].exp() / 20)
    assert gradient[2].nonzero().tolist() == [[0, 2, 3]]
    gradient.mul_(2)
    assert not codes.requires_grad
    swapped = loss.select([2, 0])(codes[[2, 0]])[1]
    assert torch.equal(swapped[1], gradient[0] / 2)


def test_a_function_without_a_gradient_is_refused() -> None:
    other = torch.ones(1, requires_grad=True)
    for function in (lambda code: code.detach().sum(), lambda code: other.sum()):
        with pytest.raises(ValueError, match="cannot be differentiated: compute it from the codes"):
            FunctionLoss([function])(torch.ones(1, 2))
