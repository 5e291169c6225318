"""The sums of the compiled priors, in a case that can be checked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from preimage.compiling import has_numba

pytestmark = pytest.mark.skipif(not has_numba(), reason="numba is not installed")


def test_sums_are_those_of_the_formulas() -> None:
    from preimage.priors.prior_kernels import priors

    image, gradient = np.array([[[0.0, 2.0], [4.0, 0.0]]]), np.empty((1, 2, 2))
    bounded, variation = priors(image, gradient, np.array([0.5, 0.0, 1.0, 2.0]), 2)
    assert bounded == 1**4 + 2**4
    assert variation == 2**2 + 4**2 + 4**2 + 2**2
    np.testing.assert_array_equal(gradient, [[[-12, 8], [16, -12]]])
