"""The fast solver: its bars on the shipped photos, its descent, its independence of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import numpy as np
import pytest
import torch
from tests.support import Projections, known, random_image
from torch import Tensor

from preimage.catalog import representation
from preimage.losses import SquaredDistance
from preimage.objective import Energy, Objective
from preimage.optimizer import NonFiniteEnergyError, Progress, minimize
from preimage.optimizer.sobolev_lbfgs import _inverse_laplacian, local_contrast
from preimage.photo_files import shipped_photos
from preimage.preprocessing import GRAY
from preimage.presets import CLASSICAL_QUALITIES, NNPREIMAGE
from preimage.priors.opponent_variation import OpponentVariation
from preimage.representations.hog import HOG
from preimage.settings import Settings
from preimage.solver_settings import SobolevLBFGS
from preimage.visualizations import PreImage, invert

NAMES = ("hog", "hogb", "dsift")
PHOTOS = list(shipped_photos().values())
FAST = CLASSICAL_QUALITIES["fast"]


def _energy(name: str, image: Tensor, target: Tensor) -> float:
    weights = torch.tensor([20.0])
    size = (image.shape[-2], image.shape[-1])
    objective = Objective(representation(name), SquaredDistance(target), FAST, weights, size)
    return float(objective(image)[0].total)


@pytest.fixture(scope="module")
def measured() -> dict[tuple[str, str], list[PreImage]]:
    """Every photo at 320 x 240 from every descriptor, at `fast` and `best`."""
    return {
        (name, quality): [
            invert(representation(name), photo, size=320, quality=quality) for photo in PHOTOS
        ]
        for name in NAMES
        for quality in ("fast", "best")
    }


@pytest.mark.parametrize(
    ("name", "quality", "bar"),
    [
        ("hog", "fast", 17),
        ("hogb", "fast", 10.5),
        ("dsift", "fast", 9.5),
        ("hog", "best", 10),
        ("hogb", "best", 6),
        ("dsift", "best", 5),
    ],
)
def test_the_mean_error_over_the_photos_in_percent_is_below_its_bar(
    measured: dict[tuple[str, str], list[PreImage]], name: str, quality: str, bar: float
) -> None:
    assert 100 * fmean(float(known(result.error)) for result in measured[name, quality]) <= bar


@pytest.mark.parametrize("name", NAMES)
def test_60_evaluations_reach_a_lower_energy_than_300_iterations_of_algorithm_1(
    measured: dict[tuple[str, str], list[PreImage]], name: str
) -> None:
    settings = NNPREIMAGE.replace(loss_weight=20)
    phi = representation(name)
    for photo, result in zip(PHOTOS, measured[name, "fast"], strict=True):
        slow = invert(phi, photo, size=320, settings=settings)
        target = phi(GRAY.load(photo, 320)[None])
        assert len(result.trace.total) == 60
        assert len(slow.trace.total) == 300
        assert _energy(name, result.images, target) < _energy(name, slow.images, target)


@pytest.mark.parametrize(("name", "bar"), [("hog", 0.15), ("hogb", 0.15), ("dsift", 0.10)])
def test_a_half_flat_photo_is_inverted_too(name: str, bar: float) -> None:
    photo = (GRAY.load(PHOTOS[1], 320)[0] + 127.5).numpy() / 255
    photo[:, 160:] = 0.3
    assert float(known(invert(representation(name), photo).error)) <= bar


def test_the_energy_never_rises_within_a_stage() -> None:
    result = invert(HOG(), PHOTOS[0], size=(64, 96), quality="best")
    total = result.trace.total[:, 0]
    solver = CLASSICAL_QUALITIES["best"].solver
    assert isinstance(solver, SobolevLBFGS)
    ends = np.cumsum([count for count, _ in solver.stages])
    for start, end in zip([0, *ends], ends, strict=False):
        assert (total[start:end].diff() <= 0).all()


def test_each_quality_takes_its_number_of_evaluations() -> None:
    for quality, steps in (("draft", 20), ("fast", 60), ("best", 200)):
        seen: list[int] = []

        def report(progress: Progress, seen: list[int] = seen) -> None:
            seen.append(progress.steps)

        invert(HOG(), PHOTOS[0], size=(32, 40), quality=quality, progress=report)
        assert seen == [steps] * steps


def test_the_error_is_that_of_the_hard_binning() -> None:
    result = invert(HOG(), PHOTOS[0], size=(64, 96))
    target = HOG()(GRAY.load(PHOTOS[0], (64, 96))[None])
    error = (HOG()(result.images) - target).norm() / target.norm()
    torch.testing.assert_close(known(result.error)[0], error)


class _Quadratic:
    """A loss over raw pixels with a known minimum: sum of w (x - c)^2 / 2."""

    is_joint = False

    def __init__(self, center: Tensor, weights: Tensor) -> None:
        self.center, self.weights = center, weights

    def __call__(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        difference = codes - self.center
        gradient = self.weights * difference
        return (gradient * difference).sum((1, 2, 3)) / 2, gradient

    def select(self, rows: Sequence[int]) -> _Quadratic:
        return _Quadratic(self.center[list(rows)], self.weights)


class _Pixels(HOG):  # type: ignore[misc]  # a representation that is the image itself
    ignores_contrast = False

    def forward(self, x: Tensor) -> Tensor:
        return x * 1.0

    def relaxed(self, softness: float) -> _Pixels:
        return self

    def fused(self) -> _Pixels:
        return self


def _quadratic_problem(settings: Settings) -> tuple[Objective, Tensor, Tensor]:
    center = random_image(3, 1, 12, 15, seed=1)
    weights = 1 + random_image(12, 15, seed=2).abs() / 50
    strength = torch.full((3,), 1e3, dtype=torch.float64)
    loss = _Quadratic(center, weights)
    objective = Objective(_Pixels(), loss, settings, strength, (12, 15))
    return objective, center, random_image(3, 1, 12, 15, seed=3)


def test_on_a_quadratic_it_finds_the_minimum_of_every_image() -> None:
    settings = FAST.replace(stages=((400, 1.0),), max_pixel_norm=1e6)
    objective, center, start = _quadratic_problem(settings)
    found = minimize(objective, start.clone(), settings, [])
    assert (found.images - center).abs().max() < 0.05
    gradient = objective(found.images)[1]
    assert gradient.abs().max() < 1e-4 * objective(start)[1].abs().max()


def test_an_image_that_cannot_be_improved_is_not_evaluated_any_more() -> None:
    settings = FAST.replace(stages=((400, 1.0),), max_pixel_norm=1e6)
    objective, _, start = _quadratic_problem(settings)
    still = minimize(objective, start.clone(), settings, []).images
    start = torch.cat([still[:1], start[1:]])
    counts: list[int] = []
    inner = objective.representation.forward

    def count(x: Tensor) -> Tensor:
        counts.append(len(x))
        return inner(x)

    objective.representation.forward = count  # type: ignore[method-assign]
    minimize(objective, start, settings, [])
    assert counts[0] == 3
    assert min(counts) < 3
    assert sum(counts) < 3 * 400


def test_ctrl_c_returns_the_best_images_so_far() -> None:
    seen: list[Tensor] = []
    energies: list[Energy] = []

    def report(progress: Progress) -> None:
        seen.append(progress.images.clone())
        energies.append(progress.energy)
        if progress.step == 9:
            raise KeyboardInterrupt

    result = invert(HOG(), PHOTOS[0], size=(32, 40), progress=report)
    assert result.interrupted
    assert len(result.trace.total) == 9
    assert torch.equal(result.images, seen[-1])
    assert energies[-1].total == min(energy.total for energy in energies)


def test_a_non_finite_start_raises() -> None:
    image = random_image(1, 1, 32, 40)
    loss, weights = SquaredDistance(HOG()(image) + 1), torch.tensor([float("inf")])
    objective = Objective(HOG(), loss, FAST, weights, (32, 40))
    with pytest.raises(NonFiniteEnergyError, match="step 1:"):
        minimize(objective, image, FAST, [])


@pytest.mark.parametrize("name", NAMES)
def test_an_inversion_has_the_same_bits_alone_and_in_a_batch(name: str) -> None:
    photos = [random_image(3, 50, 61, seed=n, scale=1.0).sigmoid().float() for n in range(3)]
    photos[1][:, 10:40, 10:40] = 0.5
    few = FAST.replace(stages=((8, 0.7), (6, 0.3)))
    together = invert(representation(name), photos, settings=few)
    alone = invert(representation(name), photos[1], settings=few)
    assert torch.equal(together.images[1], alone.images[0])
    assert torch.equal(together.trace.total[:, 1], alone.trace.total[:, 0])


def test_it_refuses_to_jitter() -> None:
    with pytest.raises(ValueError, match="does not jitter"):
        invert(HOG(), PHOTOS[0], size=(32, 40), settings=FAST.replace(jitter=2))


def test_local_contrast_is_high_where_the_image_varies_and_of_unit_mean_square() -> None:
    image = torch.zeros(3, 40, 80)
    image[:, :, 40:] = torch.randn(3, 40, 40, generator=torch.Generator().manual_seed(0)) * 30
    contrast = local_contrast(image)
    assert contrast.shape == (1, 40, 80)
    torch.testing.assert_close(contrast.square().mean(), torch.tensor(1.0))
    assert contrast[..., 60:].min() > 2 * contrast[..., :20].max()


def test_the_metric_knows_the_weight_of_chroma(monkeypatch: pytest.MonkeyPatch) -> None:
    phi = Projections(40, 3, 8, 9)
    settings = Settings(
        prior="opponent-tv", chroma_weight=100, jitter=1,
        solver=SobolevLBFGS(stages=((10, 0.0),)),
    )  # fmt: skip
    loss = SquaredDistance(phi(random_image(1, 3, 8, 9, seed=5)))
    objective = Objective(phi, loss, settings, torch.ones(1, dtype=torch.float64), (8, 9))

    def lowest() -> float:
        generators = [torch.Generator().manual_seed(0)]
        found = minimize(objective, 0.1 * random_image(1, 3, 8, 9), settings, generators)
        return float(found.trace.total[-1, 0])

    weighted = lowest()
    monkeypatch.setattr(OpponentVariation, "precondition", lambda _, gradient: gradient)
    assert weighted < 0.9 * lowest()


@pytest.mark.parametrize("size", [(6, 8), (5, 7), (1, 2), (3, 1)])
def test_the_metric_divides_each_frequency_by_its_square_and_a_floor(size: tuple[int, int]) -> None:
    """Its mean over all frequencies is 1, but for the division by H W of the inverse transform."""
    height, width = size
    ky, kx = (2 * torch.pi * torch.fft.fftfreq(n, dtype=torch.float64) for n in size)
    expected = 1 / ((4 - 2 * ky.cos()[:, None] - 2 * kx.cos()) + 0.005)
    expected /= expected.sum()
    found = _inverse_laplacian(torch.zeros(1, *size, dtype=torch.float64))
    torch.testing.assert_close(found, expected[:, : width // 2 + 1], rtol=1e-12, atol=0)
    assert found.shape == (height, width // 2 + 1)
