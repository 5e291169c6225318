"""Passes over vectors of every length, whole blocks or not, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from preimage.compiling import has_numba

pytestmark = pytest.mark.skipif(not has_numba(), reason="numba is not installed")

LENGTHS = [1, 4095, 4096, 9000]


def _random(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape)


@pytest.mark.parametrize("length", LENGTHS)
def test_changes_are_remembered_only_if_the_energy_is_convex_along_them(length: int) -> None:
    from preimage.optimizer.step_kernels import remember

    x, step, before, smooth, smoothed = _random(5, length)
    for sign in (1, -1):
        moved, changes, latest = x.copy(), np.zeros((2, length)), np.zeros((2, length))
        after = before + sign * step
        given = (before, after), (smooth, smoothed), (changes[0], changes[1]), latest
        assert remember(moved, x + step, *given, 1e-10) == (sign == 1)
        np.testing.assert_array_equal(moved, x + step)
        np.testing.assert_array_equal(latest, [after, after - before])
        expected = [step, smoothed - smooth] if sign == 1 else np.zeros((2, length))
        np.testing.assert_allclose(changes, expected, atol=1e-12)


@pytest.mark.parametrize("length", LENGTHS)
def test_a_direction_is_the_sum_of_the_rows_and_the_smoothed_gradient(length: int) -> None:
    from preimage.optimizer.step_kernels import combine

    rows, (smoothed, gradient), factors = _random(4, length), _random(2, length), _random(5)
    found = np.empty(length)
    slope, squares = combine(rows, factors, (smoothed, gradient, found))
    np.testing.assert_allclose(found, factors[0] * smoothed + factors[1:] @ rows)
    np.testing.assert_allclose([slope, squares], [found @ gradient, found @ found])
