"""The energy of Eq. 1: its terms and its gradient."""

from __future__ import annotations

import pytest
import torch

from preimage.catalog import representation
from preimage.losses import SquaredDistance, squared_distance
from preimage.objective import Objective
from preimage.preprocessing import Preprocessing
from preimage.presets import NNPREIMAGE
from preimage.priors import alpha_norm, total_variation
from preimage.representations.base import Representation
from preimage.representations.dsift import DSIFT
from preimage.representations.hog import HOG
from preimage.representations.layer import Layer
from preimage.views import jitter
from tests.representations.networks import resnet, vgg
from tests.support import Projections, random_image

SIZE = (14, 15)
OFFSETS = torch.tensor([[0, 2], [3, 1]])


def _objective(phi: Representation, channels: int) -> tuple[Objective, torch.Tensor]:
    target = phi(random_image(2, channels, *SIZE, seed=5))
    weights = torch.tensor([20.0, 300.0], dtype=torch.float64)
    settings = NNPREIMAGE.replace(beta=1.5)
    return Objective(phi, SquaredDistance(target), settings, weights, SIZE), target


@pytest.mark.parametrize("jittered", [False, True])
@pytest.mark.parametrize(
    ("phi", "channels"),
    [(Projections(6, 3, *SIZE), 3), (HOG(4), 1), (HOG(4, bilinear=True), 1), (DSIFT(3), 1)],
    ids=["projections", "hog", "hogb", "dsift"],
)
def test_energy_and_gradient_are_those_of_the_plain_formulas(
    phi: Representation, channels: int, jittered: bool
) -> None:
    objective, target = _objective(phi, channels)
    margin = 3 if jittered else 0
    x = random_image(2, channels, SIZE[0] + margin, SIZE[1] + margin).requires_grad_()
    seen = jitter(x, OFFSETS, SIZE) if jittered else x
    s = NNPREIMAGE
    bounded = alpha_norm(x, s.alpha, s.pixel_norm)
    variation = total_variation(x, 1.5, s.gradient_norm)
    loss = squared_distance(phi(seen), target)
    total = bounded + variation + objective.loss_weights * loss
    (expected,) = torch.autograd.grad(total.sum(), x)

    before = x.detach().clone()
    energy, gradient = objective(x.detach(), OFFSETS if jittered else None)

    for value, plain in (
        (energy.alpha_norm, bounded),
        (energy.total_variation, variation),
        (energy.loss, loss),
        (energy.total, total),
    ):
        torch.testing.assert_close(value, plain.detach(), rtol=1e-12, atol=0)
    torch.testing.assert_close(gradient, expected, rtol=1e-9, atol=1e-13)
    assert torch.equal(x.detach(), before)


def test_without_weight_only_the_priors_are_left() -> None:
    objective, _ = _objective(Projections(6, 1, *SIZE), 1)
    objective.loss_weights = torch.zeros(2, dtype=torch.float64)
    x = random_image(2, 1, *SIZE)
    energy, gradient = objective(x)
    torch.testing.assert_close(energy.total, energy.alpha_norm + energy.total_variation)
    assert torch.equal(gradient, objective.prior(x)[2])


def test_no_image_enters_the_energy_or_the_gradient_of_another() -> None:
    objective, _ = _objective(Projections(6, 1, *SIZE), 1)
    x = random_image(2, 1, *SIZE)
    other = torch.stack([x[0], -x[1]])
    (energy, gradient), (changed, changed_gradient) = objective(x), objective(other)
    assert torch.equal(energy.total[0], changed.total[0])
    assert torch.equal(gradient[0], changed_gradient[0])
    assert not torch.equal(gradient[1], changed_gradient[1])


def test_around_images_the_priors_are_those_of_the_change() -> None:
    objective, _ = _objective(Projections(6, 3, *SIZE), 3)
    x, anchor = random_image(2, 3, *SIZE), random_image(2, 3, *SIZE, seed=1)
    around = objective.around(anchor, 0.25)
    (energy, gradient), (of_x, _) = around(x), objective(x)
    of_change, _ = objective(x - anchor)
    assert torch.equal(energy.loss, of_x.loss)
    assert torch.equal(energy.alpha_norm, of_change.alpha_norm)
    torch.testing.assert_close(energy.total_variation, 0.25 * of_change.total_variation)
    for row in (0, 1):
        alone, its_gradient = around.select([row])(x[row : row + 1])
        torch.testing.assert_close(alone.terms[:, 0], energy.terms[:, row])
        torch.testing.assert_close(its_gradient[0], gradient[row])
    still, _ = around(anchor)
    assert still.alpha_norm.tolist() == still.total_variation.tolist() == [0, 0]
    assert torch.equal(objective(x)[0].terms, of_x.terms)


def test_within_the_range_of_photos_values_beyond_count_as_its_ends() -> None:
    phi = Projections(6, 3, *SIZE)
    objective, _ = _objective(phi, 3)
    photo = random_image(2, 3, *SIZE, seed=1)
    within = objective.around(photo, 1).within_range(photo)
    x = photo + random_image(2, 3, *SIZE, scale=400)
    low = torch.minimum(-phi.preprocessing.to_255(torch.zeros_like(x)), photo)
    high = torch.maximum(255 - phi.preprocessing.to_255(torch.zeros_like(x)), photo)
    clipped = x.clamp(low, high)
    assert not torch.equal(clipped, x)
    energy, gradient = within(x)
    assert torch.equal(energy.loss, objective(clipped)[0].loss)
    assert torch.equal(energy.total_variation, objective.around(photo, 1)(x)[0].total_variation)
    torch.testing.assert_close(within.select([1])(x[1:])[1], gradient[1:])
    step = 1e-4 * random_image(2, 3, *SIZE, seed=2)
    slope = (within(x + step)[0].total - within(x - step)[0].total).sum() / 2
    torch.testing.assert_close((gradient * step).sum(), slope, rtol=1e-6, atol=0)
    assert torch.equal(within.project_(x, 160), clipped)
    assert torch.equal(within.project_(photo.clone(), 160), photo)


def test_around_images_the_gradient_is_that_of_the_energy() -> None:
    objective, _ = _objective(Projections(6, 3, *SIZE), 3)
    around = objective.around(random_image(2, 3, *SIZE, seed=1), 0.25)
    x, step = random_image(2, 3, *SIZE), 1e-4 * random_image(2, 3, *SIZE, seed=2)
    slope = (around(x + step)[0].total - around(x - step)[0].total).sum() / 2
    torch.testing.assert_close((around(x)[1] * step).sum(), slope, rtol=1e-7, atol=0)


def test_at_a_contrast_the_priors_see_images_divided_by_it() -> None:
    objective, _ = _objective(Projections(6, 3, *SIZE), 3)
    x, factors = random_image(2, 3, *SIZE), torch.tensor([3.0, 5.0], dtype=torch.float64)
    changed = objective.at_contrast(factors)
    (energy, gradient), (of_x, _) = changed(x), objective(x)
    fainter, _ = objective(x / factors.view(-1, 1, 1, 1))
    assert torch.equal(energy.loss, of_x.loss)
    assert torch.equal(energy.terms[:2], fainter.terms[:2])
    alone, its_gradient = changed.select([1])(x[1:])
    torch.testing.assert_close(alone.terms[:, 0], energy.terms[:, 1])
    torch.testing.assert_close(its_gradient[0], gradient[1])
    step = 1e-4 * random_image(2, 3, *SIZE, seed=2)
    slope = (changed(x + step)[0].total - changed(x - step)[0].total).sum() / 2
    torch.testing.assert_close((gradient * step).sum(), slope, rtol=1e-7, atol=0)


@pytest.mark.parametrize("name", ["hog", "hogb", "dsift"])
def test_the_compiled_energy_has_the_same_bits_alone_in_a_batch_and_with_two_threads(
    name: str,
) -> None:
    phi, x = representation(name), random_image(3, 1, 60, 70, scale=40.0).float()
    target = x.flip(-1)
    target[1, :, 20:50, 10:50] = 3
    loss, weights = SquaredDistance(phi(target)[[0, 1, 2]]), torch.full((3,), 20.0)
    flat = phi.flat_regions(phi(target), (60, 70))
    assert flat[1] is not None
    energy = Objective(phi, loss, NNPREIMAGE, weights, (60, 70), flat).fused()
    terms, gradient = energy(x)
    alone, own = energy.select([1])(x[1:2].clone())
    assert torch.equal(alone.terms, terms.terms[:, 1:2])
    assert torch.equal(own, gradient[1:2])
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        again, other = energy(x)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(again.terms, terms.terms)
    assert torch.equal(other, gradient)


@pytest.mark.parametrize(
    ("network", "layer", "same"), [(resnet(), "head", False), (vgg(), "0", True)]
)
def test_weakened_branches_change_the_gradient_of_residual_networks_alone(
    network: torch.nn.Module, layer: str, same: bool
) -> None:
    phi = Layer(network, layer, Preprocessing(mean=(120.0,) * 3, std=(60.0,)))
    x = random_image(1, 3, 32, 32).float()
    loss = SquaredDistance(phi(random_image(1, 3, 32, 32, seed=1).float()))
    weights = torch.tensor([100.0])
    plain, weak = (
        Objective(phi, loss, NNPREIMAGE.replace(branch_gradient=share), weights, (32, 32))
        for share in (1, 0.3)
    )
    energy, gradient = plain(x)
    weakened, other = weak(x)
    assert torch.equal(weakened.total, energy.total)
    assert torch.equal(other, gradient) == same
    assert torch.equal(weak.exact()(x)[1], gradient)
