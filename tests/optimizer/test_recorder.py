"""The trace of a run, its snapshots, and an energy that is not finite."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from tests.optimizer.problems import JITTERED, SEEDS, SIZE, WEAK, problem
from torch import Tensor

from preimage.losses import SquaredDistance
from preimage.optimizer import NonFiniteEnergyError, Progress, minimize
from preimage.views import center_crop


def test_the_trace_holds_the_energy_of_every_step_term_by_term() -> None:
    objective, _, start, _ = problem(3, 1, WEAK)
    reports: list[tuple[int, int, Tensor]] = []

    def report(progress: Progress) -> None:
        energy = objective(progress.images)[0]
        assert torch.equal(progress.energy.total, energy.total)
        terms = [energy.alpha_norm, energy.total_variation, energy.loss, energy.total]
        reports.append((progress.step, progress.steps, torch.stack(terms)))

    trace = minimize(objective, start, WEAK, [], progress=report).trace
    assert [step for step, _, _ in reports] == list(range(1, 13))
    assert {steps for _, steps, _ in reports} == {12}
    kept = torch.stack([trace.alpha_norm, trace.total_variation, trace.loss, trace.total], 1)
    expected = torch.stack([terms for _, _, terms in reports])
    torch.testing.assert_close(kept, expected.to(kept), rtol=1e-6, atol=0)
    assert (trace.total[-1] < trace.total[0]).all()


def test_snapshots_are_the_windows_of_every_so_many_steps() -> None:
    objective, _, start, _ = problem(1, 3, JITTERED)
    seen: dict[int, Tensor] = {}

    def report(progress: Progress) -> None:
        seen[progress.step] = center_crop(progress.images, SIZE).clone()

    generators = [torch.Generator() for _ in SEEDS]
    minimum = minimize(objective, start, JITTERED, generators, progress=report, snapshot_every=5)
    assert [step for step, _ in minimum.snapshots] == [5, 10, 15]
    for step, images in minimum.snapshots:
        assert torch.equal(images, seen[step])


class _FailingLoss:
    """A loss that becomes infinite, for the second image alone."""

    is_joint = False

    def __init__(self, loss: SquaredDistance, step: int) -> None:
        self.loss, self.left = loss, step

    def __call__(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        value, gradient = self.loss(codes)
        self.left -= 1
        if self.left == 0:
            value[1] = torch.inf
        return value, gradient

    def select(self, rows: Sequence[int]) -> SquaredDistance:
        return self.loss.select(rows)


@pytest.mark.parametrize("watched", [True, False])
@pytest.mark.parametrize("step", [2, 8, 13, 16, 19])
def test_a_non_finite_energy_raises_with_its_step_and_the_last_finite_images(
    step: int, watched: bool
) -> None:
    """At once where a callback watches; else no later than the end, of the same step."""
    objective, target, start, _ = problem(1, 3, JITTERED)
    seen: list[Tensor] = []

    def report(progress: Progress) -> None:
        seen.append(center_crop(progress.images, SIZE).clone())

    def run(progress: Callable[[Progress], None] | None) -> None:
        generators = [torch.Generator().manual_seed(seed) for seed in SEEDS]
        minimize(objective, start, JITTERED, generators, progress=progress)

    run(report)
    last_finite = seen[step - 2]
    seen.clear()
    objective.loss = _FailingLoss(SquaredDistance(target), step)
    with pytest.raises(NonFiniteEnergyError, match=f"not finite at step {step}:") as caught:
        run(report if watched else None)
    assert caught.value.step == step
    assert len(seen) == (step - 1 if watched else 0)
    assert torch.equal(caught.value.last_images, last_finite)
