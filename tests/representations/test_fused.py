"""Codes by compiled kernels against the eager ones, which stand beside them."""

from __future__ import annotations

import pytest
import torch
from tests.support import random_image

from preimage.compiling import has_numba
from preimage.representations.descriptor import Descriptor
from preimage.representations.dsift import DSIFT
from preimage.representations.hog import HOG

pytestmark = pytest.mark.skipif(not has_numba(), reason="numba is not installed")

DESCRIPTORS = [
    HOG(),
    HOG(bilinear=True),
    HOG(softness=0.3),
    HOG(cell_size=5, orientations=2),
    DSIFT(),
    DSIFT(cell_size=4, step=6, orientations=4),
]
SIZES = [(40, 57), (26, 400), (400, 26)]
each_descriptor = pytest.mark.parametrize("descriptor", DESCRIPTORS, ids=repr)


def _gradient(descriptor: Descriptor, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    leaf = x.clone().requires_grad_()
    codes = descriptor(leaf)
    weights = random_image(*codes.shape, seed=1).to(x.dtype)
    (gradient,) = torch.autograd.grad(codes, leaf, weights)
    return codes.detach(), gradient


@each_descriptor
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_codes_and_gradients_are_those_of_the_eager_descriptor(
    descriptor: Descriptor, size: tuple[int, int], dtype: torch.dtype
) -> None:
    x = random_image(2, 1, *size, scale=30.0).to(dtype)
    x[1, :, 8:, 9:] = 3
    digits = 400 * torch.finfo(dtype).eps
    for fused, eager in zip(
        _gradient(descriptor.fused(), x), _gradient(descriptor, x), strict=True
    ):
        assert fused.dtype == dtype
        torch.testing.assert_close(
            fused, eager, rtol=digits, atol=digits * eager.abs().max().item()
        )


@each_descriptor
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_ties_are_binned_alike(descriptor: Descriptor, dtype: torch.dtype) -> None:
    x = random_image(1, 1, 40, 48, scale=3.0).round().to(dtype) + 0  # without -0
    digits = 400 * torch.finfo(dtype).eps
    torch.testing.assert_close(descriptor.fused()(x), descriptor(x), rtol=digits, atol=digits)


@each_descriptor
def test_the_gradient_is_that_of_finite_differences(descriptor: Descriptor) -> None:
    height, width = 27, 28
    x = random_image(1, 1, height, width, scale=30.0).requires_grad_()
    at = torch.tensor([3, 61, 300, 401, 700])

    def some(values: torch.Tensor) -> torch.Tensor:
        image = x.detach().flatten().index_put((at,), values).view_as(x)
        codes: torch.Tensor = descriptor.fused()(image)
        return codes

    assert torch.autograd.gradcheck(some, x.detach().flatten()[at].requires_grad_(), eps=1e-5)


@each_descriptor
def test_an_image_has_the_same_bits_alone_in_a_batch_and_with_two_threads(
    descriptor: Descriptor,
) -> None:
    x = random_image(3, 1, 41, 64, scale=30.0).float()
    together = _gradient(descriptor.fused(), x)
    torch.set_num_threads(2)
    try:
        again = _gradient(descriptor.fused(), x)
    finally:
        torch.set_num_threads(1)
    codes, to_image = descriptor.fused().linearized(x[1:2].clone())
    assert torch.equal(codes, together[0][1:2])
    weights = random_image(*together[0].shape, seed=1).float()[1:2]
    assert torch.equal(to_image(weights), together[1][1:2])
    for one, other in zip(together, again, strict=True):
        assert torch.equal(one, other)


@each_descriptor
def test_nan_is_passed_on_and_errors_are_those_of_the_eager_descriptor(
    descriptor: Descriptor,
) -> None:
    x = random_image(1, 1, 40, 48)
    x[0, 0, 20, 20] = float("nan")
    codes, gradient = _gradient(descriptor.fused(), x)
    assert codes.isnan().any()
    assert gradient.isnan().any()
    with pytest.raises(ValueError, match="needs an image of at least"):
        descriptor.fused()(x[..., :2])


def test_other_types_are_computed_by_the_eager_descriptor() -> None:
    x = random_image(1, 1, 24, 24).bfloat16()
    assert torch.equal(HOG(bilinear=True).fused()(x), HOG(bilinear=True)(x))


def test_a_relaxed_descriptor_stays_fused() -> None:
    x = random_image(1, 1, 40, 48).float()
    relaxed = HOG().fused().relaxed(0.5)
    assert torch.equal(relaxed(x), HOG(softness=0.5).fused()(x))
    assert relaxed.fused() is relaxed


def test_fusing_leaves_the_descriptor_as_it_was() -> None:
    hog, x = HOG(), random_image(1, 1, 40, 48).float()
    before = hog(x)
    assert hog.fused() is not hog
    assert torch.equal(hog(x), before)
