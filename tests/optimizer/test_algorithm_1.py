"""Algorithm 1 against its transcription in NumPy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.optimizer.problems import SEEDS, SIZE, STRONG, WEAK, C, problem
from tests.support import Projections
from torch import Tensor

from preimage.denoising import denoise
from preimage.optimizer import algorithm_1, minimize
from preimage.parameterizations import NaturalContrast, Pixels
from preimage.settings import Settings
from preimage.solver_settings import Algorithm1

Array = NDArray[np.float64]


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


@pytest.mark.parametrize("settings", [STRONG, WEAK], ids=["nnpreimage", "paper"])
@pytest.mark.parametrize("shifts", [1, 2, 4])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_step_is_that_of_the_transcription(
    channels: int, shifts: int, settings: Settings
) -> None:
    settings = settings.replace(jitter=shifts)
    objective, target, start, phi = problem(channels, shifts, settings)
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
    _, target, start, phi = problem(3, 1, STRONG)
    path = _expected(start[1].numpy(), SEEDS[1], C[1], phi, target[1].numpy(), STRONG, 1)
    assert max(np.sqrt((image**2).sum(0)).max() for image in path[1:]) == pytest.approx(160)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_images_of_the_natural_stage_have_the_contrast_of_photos(
    channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = STRONG.replace(natural_iterations=5, final_iterations=0, max_pixel_norm=1e6)
    objective, _, start, _ = problem(channels, 1, settings)
    found = minimize(objective, start, settings, [torch.Generator() for _ in SEEDS])
    monkeypatch.setattr(algorithm_1, "denoise", lambda images, amount: images)
    whole = minimize(objective, start, settings, [torch.Generator() for _ in SEEDS])
    kind = NaturalContrast(Pixels(), channels)
    torch.testing.assert_close(kind.gains(whole.images), torch.ones(2, dtype=torch.float64))
    assert torch.equal(found.images, denoise(whole.images, 1.5))
    assert len(found.trace.total) == settings.evaluations(objective.representation) == 17


def test_images_of_other_channels_do_without_the_natural_stage() -> None:
    settings = STRONG.replace(natural_iterations=5, final_iterations=0)
    objective, _, start, _ = problem(4, 1, settings)
    generators = [torch.Generator() for _ in SEEDS]
    found = minimize(objective, start, settings, generators)
    plain = minimize(objective, start, STRONG.replace(final_iterations=0), generators)
    assert torch.equal(found.images, plain.images)
