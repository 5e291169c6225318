"""Algorithm 1 against its transcription in NumPy; interruption and failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.support import Projections, random_image
from torch import Tensor

from preimage.losses import SquaredDistance
from preimage.objective import Objective
from preimage.optimizer import NonFiniteEnergyError, Progress, minimize
from preimage.optimizer.trace import center_crop
from preimage.presets import NNPREIMAGE, PAPER
from preimage.settings import Algorithm1, Settings

Array = NDArray[np.float64]
SIZE = (4, 5)
C = (20.0, 300.0)
SEEDS = (3, 4)
STRONG = NNPREIMAGE.replace(iterations=12, final_iterations=7)
JITTERED = STRONG.replace(jitter=3)
WEAK = PAPER.replace(iterations=12, learning_rate=0.5)


def _solver(settings: Settings) -> Algorithm1:
    assert isinstance(settings.solver, Algorithm1)
    return settings.solver


def _gradient(x: Array, v: int, u: int, a: Array, target: Array, c: float, s: Settings) -> Array:
    """dE/dx of Eq. 1 for Phi(x) = A x, alpha = 6 and beta = 2, at the shift (v, u)."""
    area = x.shape[1] * x.shape[2]
    norms = np.sqrt((x**2).sum(0))
    gradient = 6 * norms**4 * x / (area * s.pixel_norm**6)
    for axis in (1, 2):
        difference = np.diff(x, axis=axis)
        pad = [(1, 1) if i == axis else (0, 0) for i in range(3)]
        gradient -= 2 * np.diff(np.pad(difference, pad), axis=axis) / (area * s.gradient_norm**2)
    window = (slice(None), slice(v, v + SIZE[0]), slice(u, u + SIZE[1]))
    residual = a @ x[window].ravel() - target
    gradient[window] += (2 * c * (a.T @ residual) / (target @ target)).reshape(x[window].shape)
    return gradient


def _algorithm_1(
    x: Array, offsets: Array, eta_0: float, a: Array, target: Array, c: float, s: Settings
) -> Iterator[Array]:
    """Algorithm 1 as printed, one image, one iterate after another."""
    rho = _solver(s).momentum
    big_g, mu = np.zeros_like(x), np.zeros_like(x)
    for v, u in offsets.astype(int):
        yield x
        g = _gradient(x, v, u, a, target, c, s)
        big_g = rho * big_g + g**2
        eta = 1 / (1 / eta_0 + np.sqrt(big_g))
        mu = rho * mu - eta * g
        x = x + mu
        norms = np.sqrt((x**2).sum(0))
        x = x * np.minimum(1, s.max_pixel_norm / norms)
    yield x


def _expected(
    start: Array, seed: int, c: float, phi: Projections, target: Array, s: Settings, shifts: int
) -> list[Array]:
    """All iterates of one image, both stages."""
    solver = _solver(s)
    eta_0 = solver.learning_rate * s.pixel_norm**2 / s.alpha
    eta_0 *= SIZE[0] * SIZE[1] if solver.scale_rate_by_area else 1
    a = phi.matrix.numpy()
    generator = torch.Generator().manual_seed(seed)
    offsets = torch.randint(shifts, (solver.iterations, 2), generator=generator).numpy()
    *stage, last = _algorithm_1(start, offsets, eta_0, a, target, c, s)
    top = (shifts - 1) // 2
    last = last[:, top : top + SIZE[0], top : top + SIZE[1]]
    if shifts > 1 and solver.final_iterations:
        still = np.zeros((solver.final_iterations, 2))
        rate = eta_0 * solver.final_learning_rate
        *second, last = _algorithm_1(last, still, rate, a, target, c, s)
        stage += second
    return [*stage, last]


def _problem(
    channels: int, shifts: int, settings: Settings
) -> tuple[Objective, Tensor, Tensor, Projections]:
    phi = Projections(8, channels, *SIZE)
    target = phi(random_image(2, channels, *SIZE, seed=7))
    weights = torch.tensor(C, dtype=torch.float64)
    objective = Objective(phi, SquaredDistance(target), settings, weights, SIZE)
    margin = shifts - 1
    start = random_image(2, channels, SIZE[0] + margin, SIZE[1] + margin, scale=300.0)
    return objective, target, start, phi


@pytest.mark.parametrize("settings", [STRONG, WEAK], ids=["nnpreimage", "paper"])
@pytest.mark.parametrize("shifts", [1, 2, 4])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_step_is_that_of_the_transcription(
    channels: int, shifts: int, settings: Settings
) -> None:
    settings = settings.replace(jitter=shifts)
    objective, target, start, phi = _problem(channels, shifts, settings)
    seen: list[Tensor] = []
    generators = [torch.Generator().manual_seed(seed) for seed in SEEDS]
    minimum = minimize(
        objective, start, settings, generators, progress=lambda p: seen.append(p.images.clone())
    )
    seen.append(minimum.images)
    for n, (seed, c) in enumerate(zip(SEEDS, C, strict=True)):
        expected = _expected(start[n].numpy(), seed, c, phi, target[n].numpy(), settings, shifts)
        assert len(seen) == len(expected)
        for step, (images, image) in enumerate(zip(seen, expected, strict=True)):
            np.testing.assert_allclose(images[n], image, rtol=1e-10, atol=1e-9, err_msg=f"{step}")
    assert not torch.equal(seen[0], seen[1])


def test_the_transcription_meets_the_hard_bound() -> None:
    # Otherwise the comparison above would not see the projection.
    _, target, start, phi = _problem(3, 1, STRONG)
    path = _expected(start[1].numpy(), SEEDS[1], C[1], phi, target[1].numpy(), STRONG, 1)
    assert max(np.sqrt((image**2).sum(0)).max() for image in path[1:]) == pytest.approx(160)


def test_the_second_stage_runs_only_after_jitter() -> None:
    for shifts, steps in ((1, 12), (3, 19)):
        objective, _, start, _ = _problem(1, shifts, STRONG)
        generators = [torch.Generator() for _ in SEEDS]
        minimum = minimize(objective, start, STRONG.replace(jitter=shifts), generators)
        assert minimum.images.shape == (2, 1, *SIZE)
        assert minimum.trace.total.shape == (steps, 2)


def test_the_trace_holds_the_energy_of_every_step_term_by_term() -> None:
    objective, _, start, _ = _problem(3, 1, WEAK)
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
    objective, _, start, _ = _problem(1, 3, JITTERED)
    seen: dict[int, Tensor] = {}

    def report(progress: Progress) -> None:
        seen[progress.step] = center_crop(progress.images, SIZE).clone()

    generators = [torch.Generator() for _ in SEEDS]
    minimum = minimize(objective, start, JITTERED, generators, progress=report, snapshot_every=5)
    assert [step for step, _ in minimum.snapshots] == [5, 10, 15]
    for step, images in minimum.snapshots:
        assert torch.equal(images, seen[step])


@pytest.mark.parametrize("stop_at", [1, 8, 15])
def test_an_interruption_returns_the_images_reached_by_then(stop_at: int) -> None:
    objective, _, start, _ = _problem(1, 3, JITTERED)
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
    objective, _, start, _ = _problem(1, 1, WEAK)
    before = start.clone()
    assert not minimize(objective, start, WEAK, []).interrupted
    assert torch.equal(start, before)


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
    objective, target, start, _ = _problem(1, 3, JITTERED)
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


def test_the_center_crop_is_at_the_center() -> None:
    x = torch.arange(42.0).reshape(1, 1, 6, 7)
    assert torch.equal(center_crop(x, (4, 3)), x[..., 1:5, 2:5])
    assert torch.equal(center_crop(x, (6, 7)), x)
