"""Which images the compiled curvature takes; test_curvature.py tests what it computes."""

from __future__ import annotations

import pytest
import torch
from tests.support import random_image

from preimage.compiling import has_numba
from preimage.optimizer.curvature import find_curvature

pytestmark = pytest.mark.skipif(not has_numba(), reason="numba is not installed")


def test_only_whole_images_of_usual_types_are_compiled() -> None:
    from preimage.optimizer.fused import FusedCurvature

    image = random_image(2, 4, 6)
    for x in (image, image.float()):
        assert isinstance(find_curvature(x, x, x), FusedCurvature)
    for x in (image[..., ::2], image.to(torch.bfloat16)):
        assert not isinstance(find_curvature(x, x, x), FusedCurvature)


def test_an_image_has_the_same_bits_alone_and_in_a_batch() -> None:
    x, trial, gradient, last = random_image(4, 3, 1, 31, 33).float()
    directions = []
    for n in (1, slice(1, 2)):
        one, other = (values[n].clone().view(1, 31, 33) for values in (x, trial))
        before, after = (values.clone()[n].view(1, 31, 33) for values in (gradient, last))
        curvature = find_curvature(one, before, before)
        curvature.follow(one, other, after, after)
        directions.append(curvature.direction())
    assert torch.equal(directions[0].step, directions[1].step)
    assert directions[0][1:] == directions[1][1:]
