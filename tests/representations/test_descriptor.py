"""The part of the code that HOG and dense SIFT share."""

from __future__ import annotations

import pytest
import torch
from tests.support import random_image

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
