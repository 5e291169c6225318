"""The part of the code that HOG and dense SIFT share."""

from __future__ import annotations

import pytest
import torch
from tests.support import random_image

from preimage.representations import descriptor as descriptors
from preimage.representations.descriptor import Descriptor
from preimage.representations.dsift import DSIFT
from preimage.representations.hog import HOG


@pytest.mark.parametrize("descriptor", [HOG(), DSIFT()], ids=repr)
def test_an_eager_descriptor_is_linearized_by_autograd(descriptor: Descriptor) -> None:
    x = random_image(2, 1, 32, 40).requires_grad_()
    codes = descriptor(x)
    weights = random_image(*codes.shape, seed=1)
    (gradient,) = torch.autograd.grad(codes, x, weights)
    found, to_image = descriptor.linearized(x.detach())
    assert torch.equal(found, codes)
    assert not found.requires_grad
    assert torch.equal(to_image(weights), gradient)


@pytest.mark.parametrize("descriptor", [HOG(), HOG(bilinear=True), DSIFT()], ids=repr)
def test_large_images_are_encoded_as_the_compiled_descriptor_does(
    descriptor: Descriptor, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = random_image(2, 1, 32, 40).float()
    monkeypatch.setattr(descriptors, "_LARGE", 32 * 40)
    expected = descriptor.encode(x)
    assert torch.equal(expected, descriptor(x))
    monkeypatch.setattr(descriptors, "_LARGE", 32 * 40 - 1)
    found = descriptor.encode(x)
    assert torch.equal(found, descriptor.fused()(x))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
