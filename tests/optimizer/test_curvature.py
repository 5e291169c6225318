"""The direction of L-BFGS from one matrix against its two loops, as they are written in books."""

from __future__ import annotations

import pytest
import torch
from tests.support import random_image
from torch import Tensor

from preimage.optimizer import curvature as curvatures
from preimage.optimizer.curvature import Curvature, find_curvature

SHAPE = (1, 5, 6)
METRIC = random_image(*SHAPE).abs() + 0.1


def _two_loops(gradient: Tensor, pairs: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Nocedal (1980), with gamma P in place of gamma."""
    q, weights = gradient.clone(), []
    for step, change in reversed(pairs):
        weights.append((step * q).sum() / (step * change).sum())
        q = q - weights[-1] * change
    step, change = pairs[-1]
    q = METRIC * q * (step * change).sum() / (change * METRIC * change).sum()
    for (step, change), weight in zip(pairs, reversed(weights), strict=True):
        q = q + step * (weight - (change * q).sum() / (step * change).sum())
    return -q


class _Path:
    """Steps of an image through an energy, which a curvature follows."""

    def __init__(self, eager: bool, scale: float = 1.0) -> None:
        self.x, self.gradient, self._scale = random_image(*SHAPE, seed=1), scale * METRIC, scale
        begin = self.gradient, METRIC * self.gradient
        self.curvature = Curvature(*begin) if eager else find_curvature(self.x, *begin)
        self.pairs: list[tuple[Tensor, Tensor]] = []

    def step(self, seed: int, sign: float = 1.0) -> None:
        hessian = random_image(*SHAPE, seed=2).abs() + 0.1
        step = random_image(*SHAPE, seed=seed)
        change = sign * self._scale * (hessian * step + 0.01 * step.flip(1))
        trial, self.gradient = self.x + step, self.gradient + change
        self.curvature.follow(self.x, trial, self.gradient, METRIC * self.gradient)
        assert torch.equal(self.x, trial)
        self.pairs.append((step, change))


both = pytest.mark.parametrize("eager", [True, False])


@both
@pytest.mark.parametrize("count", [1, 3, 8, 9, 21])
def test_the_direction_is_that_of_the_two_loops_over_the_last_eight_steps(
    count: int, eager: bool
) -> None:
    path = _Path(eager)
    for seed in range(count):
        path.step(10 + seed)
        found = path.curvature.direction()
        expected = _two_loops(path.gradient, path.pairs[-8:])
        torch.testing.assert_close(found.step, expected, rtol=1e-9, atol=1e-9)
        assert found.slope == pytest.approx((expected * path.gradient).sum().item())
        assert found.rms == pytest.approx(expected.square().mean().sqrt().item())


@both
def test_a_curvature_without_steps_follows_the_smoothed_gradient(eager: bool) -> None:
    path = _Path(eager)
    assert not path.curvature
    assert torch.equal(path.curvature.direction().step, -METRIC * METRIC)


@both
def test_a_step_along_which_the_energy_is_concave_is_not_remembered(eager: bool) -> None:
    path = _Path(eager)
    for seed in range(10):
        path.step(10 + seed)
        path.curvature.direction()
    path.step(50, sign=-1.0)
    expected = _two_loops(path.gradient, path.pairs[-9:-1])
    torch.testing.assert_close(path.curvature.direction().step, expected, rtol=1e-9, atol=1e-9)


@both
def test_a_multiple_of_the_energy_has_the_multiple_of_the_curvature(eager: bool) -> None:
    plain, reweighed = _Path(eager, 4.0), _Path(eager)
    for path in (plain, reweighed):
        for seed in range(3):
            path.step(10 + seed)
            path.curvature.direction()
    reweighed.curvature.reweigh(4.0)
    reweighed.curvature.begin(plain.gradient, METRIC * plain.gradient)
    expected, found = plain.curvature.direction(), reweighed.curvature.direction()
    torch.testing.assert_close(found.step, expected.step, rtol=1e-10, atol=1e-10)
    reweighed.curvature.clear()
    assert not reweighed.curvature


@both
@pytest.mark.parametrize(("room", "count"), [(0.5, 1), (2.0, 1), (7.9, 3), (1000.0, 8)])
def test_fewer_steps_are_remembered_of_a_large_image(
    room: float, count: int, eager: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`room` is that for the vectors of an image, of which a step takes two."""
    monkeypatch.setattr(curvatures, "LARGEST", int(room * METRIC.numel() * 8))
    path = _Path(eager)
    for seed in range(9):
        path.step(10 + seed)
        found = path.curvature.direction()
    expected = _two_loops(path.gradient, path.pairs[-count:])
    torch.testing.assert_close(found.step, expected, rtol=1e-9, atol=1e-9)
