"""The two stages of a run, and how it ends early."""

from __future__ import annotations

import pytest
import torch
from tests.optimizer.problems import JITTERED, SEEDS, SIZE, STRONG, WEAK, problem
from torch import Tensor

from preimage.optimizer import Progress, minimize
from preimage.views import center_crop


def test_the_second_stage_runs_only_after_jitter() -> None:
    for shifts, steps in ((1, 12), (3, 19)):
        objective, _, start, _ = problem(1, shifts, STRONG)
        generators = [torch.Generator() for _ in SEEDS]
        minimum = minimize(objective, start, STRONG.replace(jitter=shifts), generators)
        assert minimum.images.shape == (2, 1, *SIZE)
        assert minimum.trace.total.shape == (steps, 2)


@pytest.mark.parametrize("stop_at", [1, 8, 15])
def test_an_interruption_returns_the_images_reached_by_then(stop_at: int) -> None:
    objective, _, start, _ = problem(1, 3, JITTERED)
    seen: list[Tensor] = []

    def report(progress: Progress) -> None:
        seen.append(center_crop(progress.images, SIZE).clone())
        if progress.step == stop_at:
            raise KeyboardInterrupt

    minimum = minimize(objective, start, JITTERED, [torch.Generator()] * 2, progress=report)
    assert minimum.interrupted
    assert torch.equal(minimum.images, seen[-1])
    assert minimum.trace.total.shape == (stop_at, 2)
    assert minimum.trace.total.isfinite().all()


def test_an_undisturbed_run_is_not_flagged_and_leaves_its_start_alone() -> None:
    objective, _, start, _ = problem(1, 1, WEAK)
    before = start.clone()
    assert not minimize(objective, start, WEAK, []).interrupted
    assert torch.equal(start, before)
