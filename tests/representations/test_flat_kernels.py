"""Compiled flat regions against the eager ones, to the bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.support import random_image

from preimage.compiling import has_numba
from preimage.representations import flat_regions
from preimage.representations.flat_regions import FlatRegions

pytestmark = pytest.mark.skipif(not has_numba(), reason="numba is not installed")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_regions_have_the_means_of_the_eager_ones(dtype: torch.dtype) -> None:
    labels = np.random.default_rng(0).integers(0, 9, (40, 50))
    regions, image = FlatRegions(labels, torch.device("cpu")), random_image(1, 40, 50).to(dtype)
    assert torch.equal(regions.fused().flatten_(image.clone()), regions.flatten_(image.clone()))


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6])
def test_labels_are_those_of_the_eager_search(
    share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    still = np.random.default_rng(1).random((60, 70)) < share
    compiled = flat_regions._label(still)
    monkeypatch.setattr(flat_regions, "has_numba", lambda: False)
    np.testing.assert_array_equal(compiled, flat_regions._label(still))
