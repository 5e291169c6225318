"""The spectrum as another parameterization of images."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from preimage.images import load_image
from preimage.losses import SquaredDistance
from preimage.objective import Objective
from preimage.opponent import to_opponent
from preimage.optimizer import minimize
from preimage.parameterizations import (
    CHROMA,
    LUMINANCE,
    NATURAL_COLORS,
    Fourier,
    NaturalContrast,
    Pixels,
)
from preimage.photo_files import shipped_photos
from preimage.preprocessing import Preprocessing
from preimage.presets import NNPREIMAGE
from preimage.priors import project
from tests.support import Projections, random_image

SIZES = [(6, 5), (5, 6), (8, 8), (1, 4), (7, 1)]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", SIZES)
def test_decoding_undoes_encoding(size: tuple[int, int], channels: int) -> None:
    x = random_image(2, channels, *size)
    fourier = Fourier(x)
    torch.testing.assert_close(fourier.decode(fourier.encode(x)), x)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", SIZES)
def test_the_gradient_pulled_back_is_that_of_autograd(size: tuple[int, int], channels: int) -> None:
    x, gradient = random_image(2, channels, *size), random_image(2, channels, *size, seed=1)
    fourier = Fourier(x)
    z = fourier.encode(x).requires_grad_()
    (expected,) = torch.autograd.grad(fourier.decode(z), z, gradient)
    torch.testing.assert_close(fourier.pull_back(gradient), expected)


def test_the_gradient_of_decoding_is_that_of_finite_differences() -> None:
    x = random_image(1, 3, 4, 5)
    fourier = Fourier(x)

    def decode(z: Tensor) -> Tensor:
        return fourier.decode(z)

    assert torch.autograd.gradcheck(decode, (fourier.encode(x).requires_grad_(),))


def test_independent_parameters_have_the_colors_and_the_spectrum_of_photos() -> None:
    """White spectra: amplitude falls as 1 / frequency, and the covariance is that of photos."""
    like = torch.zeros(200, 3, 32, 32, dtype=torch.float64)
    fourier = Fourier(like)
    z = random_image(*fourier.encode(like).shape, scale=12**0.5)
    x = fourier.decode(z)
    covariance = torch.cov(x.transpose(0, 1).flatten(1))
    colors = torch.tensor(NATURAL_COLORS, dtype=torch.float64)
    torch.testing.assert_close(covariance, colors @ colors.T, atol=0.05, rtol=0)
    power = torch.fft.fft2(x[:, 1], norm="ortho").abs().square().mean(0)
    assert power[0, 4] / power[0, 8] == pytest.approx(4, rel=0.3)
    assert power[4, 0] / power[8, 0] == pytest.approx(4, rel=0.3)


def test_the_colors_are_those_of_the_shipped_photos() -> None:
    photos = [load_image(path).double().flatten(1) for path in shipped_photos().values()]
    covariance = torch.stack([torch.cov(pixels) for pixels in photos]).mean(0)
    colors = torch.tensor(NATURAL_COLORS, dtype=torch.float64)
    expected = covariance / covariance.diagonal().mean()
    torch.testing.assert_close(colors @ colors.T, expected, atol=3e-4, rtol=0)
    inner = colors.T @ colors
    assert (inner - inner.diagonal().diag()).abs().max() < 1e-3


@pytest.mark.parametrize("kind", [Pixels, Fourier])
def test_projection_is_that_of_the_image(kind: type[Pixels] | type[Fourier]) -> None:
    x = torch.stack([random_image(3, 6, 5, seed=n, scale=scale) for n, scale in ((0, 9), (1, 500))])
    parameterization = Fourier(x) if kind is Fourier else Pixels()
    z = parameterization.encode(x.clone())
    untouched = z[0].clone()
    images = parameterization.project_(z, 160)
    torch.testing.assert_close(images, project(x, 160))
    torch.testing.assert_close(parameterization.decode(z), images)
    assert torch.equal(z[0], untouched)


def test_a_linear_inversion_ends_at_the_same_energy_in_pixels_and_in_spectra() -> None:
    """Up to what the steps of Algorithm 1, which do not vanish, leave: 120 falls to 1.6."""
    size = (8, 9)
    phi = Projections(40, 3, *size)
    target = phi(random_image(1, 3, *size, seed=5, scale=60))
    weights = torch.tensor([100.0], dtype=torch.float64)
    energies = []
    for kind in ("pixels", "fourier"):
        settings = NNPREIMAGE.replace(iterations=300, parameterization=kind)
        objective = Objective(phi, SquaredDistance(target), settings, weights, size)
        start = random_image(1, 3, *size, seed=1, scale=10)
        minimum = minimize(objective, start, settings, [torch.Generator()])
        energies.append(objective(minimum.images)[0].total.item())
    assert energies[1] == pytest.approx(energies[0], rel=0.03)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_gradient_of_natural_contrast_is_that_of_finite_differences(channels: int) -> None:
    x = random_image(2, channels, 4, 5, scale=20)
    kind = NaturalContrast(Fourier(x), channels)
    z, gradient = kind.encode(x), random_image(2, channels, 4, 5, seed=1)
    kind.decode(z)
    pulled, h = kind.pull_back(gradient), 1e-5
    for index in torch.randint(z.numel(), (20,), generator=torch.Generator().manual_seed(0)):
        step = torch.zeros_like(z)
        step.view(-1)[index] = h
        difference = kind.decode(z + step) - kind.decode(z - step)
        expected = float((difference * gradient).sum()) / (2 * h)
        assert float(pulled.flatten()[index]) == pytest.approx(expected, rel=1e-5, abs=1e-7)


def test_pictures_of_natural_contrast_have_that_of_photos_whatever_their_own() -> None:
    load = Preprocessing(mean=(127.5,) * 3).load
    photos = torch.stack([load(path, (224, 224)) for path in shipped_photos().values()])
    natural = to_opponent(photos).std((2, 3), correction=0).mean(0)
    x = random_image(1, 3, 16, 12, scale=0.01)
    kind = NaturalContrast(Pixels(), 3)
    wanted = natural * torch.tensor([LUMINANCE, CHROMA, CHROMA])
    for images in (x, 1000 * x, x + 50):
        deviations = to_opponent(kind.decode(images)).std((2, 3), correction=0)[0]
        torch.testing.assert_close(deviations.float(), wanted, rtol=0.01, atol=0)


def test_contrast_that_is_lower_by_a_factor_grows_by_it() -> None:
    kind = NaturalContrast(Pixels(), 3)
    natural = kind.decode(random_image(2, 3, 8, 9))
    gains = kind.gains(torch.stack([natural[0] / 5, 2 * natural[1]]))
    torch.testing.assert_close(gains, torch.tensor([5.0, 1.0], dtype=gains.dtype))


@pytest.mark.parametrize("channels", [1, 3])
def test_no_image_changes_the_rounding_of_another(channels: int) -> None:
    x = random_image(4, channels, 24, 24).float()
    whole, z = Fourier(x), Fourier(x).encode(x)
    for n in range(4):
        alone = Fourier(x[n : n + 1])
        assert torch.equal(alone.encode(x[n : n + 1])[0], z[n])
        assert torch.equal(alone.decode(z[n : n + 1])[0], whole.decode(z)[n])
        assert torch.equal(alone.pull_back(x[n : n + 1])[0], whole.pull_back(x)[n])
