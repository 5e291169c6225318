"""The direction of L-BFGS from one matrix against its two loops, as they are written in books."""

from __future__ import annotations

import pytest
import torch
from tests.support import random_image
from torch import Tensor

from preimage.optimizer.curvature import Curvature

SHAPE = (1, 5, 6)


def _two_loops(gradient: Tensor, metric: Tensor, pairs: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Nocedal (1980), with gamma P in place of gamma."""
    q, weights = gradient.clone(), []
    for step, change in reversed(pairs):
        weights.append((step * q).sum() / (step * change).sum())
        q = q - weights[-1] * change
    step, change = pairs[-1]
    q = metric * q * (step * change).sum() / (change * metric * change).sum()
    for (step, change), weight in zip(pairs, reversed(weights), strict=True):
        q = q + step * (weight - (change * q).sum() / (step * change).sum())
    return -q


@pytest.mark.parametrize("count", [1, 3, 8, 9, 21])
def test_the_direction_is_that_of_the_two_loops_over_the_last_eight_steps(count: int) -> None:
    metric = random_image(*SHAPE).abs() + 0.1
    hessian = random_image(*SHAPE, seed=1).abs() + 0.1
    curvature, pairs = Curvature(metric), []
    for seed in range(count):
        step = random_image(*SHAPE, seed=10 + seed)
        change = hessian * step + 0.01 * step.flip(1)
        gradient = random_image(*SHAPE, seed=100 + seed)
        pairs.append((step, change))
        found = curvature.direction(gradient, metric * gradient, (step, change, metric * change))
        expected = _two_loops(gradient, metric, pairs[-8:])
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_a_curvature_without_steps_follows_the_smoothed_gradient() -> None:
    smoothed = random_image(*SHAPE)
    curvature = Curvature(smoothed)
    assert not curvature
    assert torch.equal(curvature.direction(smoothed, smoothed, None), -smoothed)


def test_a_multiple_of_the_energy_has_the_multiple_of_the_curvature() -> None:
    metric, gradient = random_image(*SHAPE).abs() + 0.1, random_image(*SHAPE, seed=3)
    plain, reweighed = Curvature(metric), Curvature(metric)
    for seed in range(3):
        step = random_image(*SHAPE, seed=10 + seed)
        change = step * (metric + 1)
        plain.direction(gradient, metric * gradient, (step, 4 * change, 4 * metric * change))
        reweighed.direction(gradient, metric * gradient, (step, change, metric * change))
    reweighed.reweigh(4.0)
    expected = plain.direction(gradient, metric * gradient, None)
    found = reweighed.direction(gradient, metric * gradient, None)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
    reweighed.clear()
    assert not reweighed
