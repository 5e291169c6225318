"""Jittered descent that L-BFGS completes: its parts, their energies, and runs that go on."""

from __future__ import annotations

import pytest
import torch
from tests.optimizer.problems import SEEDS, SIZE, problem
from tests.representations.networks import COLOR, resnet
from tests.support import known, random_image

from preimage.contrast import restore_contrast
from preimage.denoising import denoise
from preimage.optimizer import Minimum, Progress, minimize
from preimage.presets import NETWORK_QUALITIES
from preimage.priors import project
from preimage.representations.layer import Layer
from preimage.settings import Settings
from preimage.solver_settings import Algorithm1, JitteredLBFGS, SobolevLBFGS
from preimage.visualizations import invert

SETTINGS = NETWORK_QUALITIES["fast"].replace(iterations=8, final_iterations=6, jitter=3)
PHI = Layer(resnet(), "body.0", COLOR, loss_weight=20)
PHOTO, OTHER = (random_image(3, 32, 32, seed=n).float().div(255).add(0.5) for n in (0, 1))


def _minimize(settings: Settings, stop: int = 0, channels: int = 3) -> Minimum:
    def report(progress: Progress) -> None:
        if progress.step == stop:
            raise KeyboardInterrupt

    shifts = settings.shifts(PHI)
    objective, _, start, _ = problem(channels, shifts, settings)
    generators = [torch.Generator().manual_seed(seed) for seed in SEEDS]
    return minimize(objective, start, settings, generators, progress=report, snapshot_every=1)


def test_it_begins_as_algorithm_1_and_ends_by_a_descent_of_the_change() -> None:
    found = _minimize(SETTINGS)
    jittered = Algorithm1(iterations=8, final_iterations=0)
    alone = _minimize(SETTINGS.replace(solver=jittered))
    trace = found.trace
    assert torch.equal(trace.terms[:, :8], alone.trace.terms)
    assert trace.total.shape == (14, 2)
    assert trace.alpha_norm[8].tolist() == trace.total_variation[8].tolist() == [0, 0]
    assert trace.alpha_norm[12].tolist() == trace.total_variation[12].tolist() == [0, 0]
    for part in (trace.total[8:12], trace.total[12:]):
        assert (part.diff(dim=0) <= 0).all()
        assert (part[-1] < part[0]).all()
    assert found.images.shape == (2, 3, *SIZE)
    assert [images.shape for _, images in found.snapshots] == [found.images.shape] * 14


@pytest.mark.parametrize("channels", [1, 3])
def test_noise_is_removed_and_contrast_given_back_between_the_parts(channels: int) -> None:
    jittered = SETTINGS.replace(solver=Algorithm1(iterations=8, final_iterations=0))
    before = _minimize(jittered, channels=channels).images
    restored = restore_contrast(denoise(before, 4.0), 0.3, 0.7)
    expected = project(restored, SETTINGS.max_pixel_norm)
    first = SETTINGS.replace(
        final_iterations=0, denoising=4, restored_luminance=0.3, restored_chroma=0.7
    )
    assert torch.equal(_minimize(first, channels=channels).images, expected)
    assert not torch.equal(expected, before)


@pytest.mark.parametrize("stop", [3, 8, 9, 12])
def test_ctrl_c_returns_the_images_so_far(stop: int) -> None:
    found = _minimize(SETTINGS, stop)
    assert found.interrupted
    assert len(found.trace.total) == stop
    assert found.images.shape == (2, 3, *SIZE)


def test_the_rest_of_a_batch_does_not_change_an_image_by_a_bit() -> None:
    together = invert(PHI, PHOTO, seeds=[0, 1], loss_weight=[5, 20], settings=SETTINGS)
    for row in (1, 2):
        seed, weight = together.seeds[row], together.loss_weights[row]
        alone = invert(PHI, PHOTO, seeds=[seed], loss_weight=weight, settings=SETTINGS)
        assert torch.equal(together.images[row], alone.images[0])
        assert torch.equal(together.trace.terms[..., row], alone.trace.terms[..., 0])


def test_a_run_from_a_result_or_a_photo_is_a_descent_of_the_change_alone() -> None:
    first = invert(PHI, PHOTO, settings=SETTINGS)
    for start, images in ((first, first.images), (OTHER, COLOR.load(OTHER, None)[None])):
        second = invert(PHI, PHOTO, settings=SETTINGS, start=start, snapshot_every=1)
        assert second.settings == SETTINGS
        assert torch.equal(second.snapshots[0][1], images)
        trace = second.trace
        assert trace.total.shape == (14, 1)
        assert trace.total_variation[0] == 0
        assert (trace.total.diff(dim=0) <= 0).all()
    again = invert(PHI, PHOTO, settings=SETTINGS, start=first)
    assert known(again.error) < known(first.error)


def test_contrast_that_makes_the_code_much_worse_is_not_given_back() -> None:
    """The code of a linear layer knows the contrast; shares of 1 stretch the image far beyond."""
    jittered = SETTINGS.replace(
        solver=Algorithm1(iterations=60, final_iterations=0), loss_weight=1e4
    )
    dull = random_image(3, 32, 32, seed=0).float().div(2550).add(0.5)
    layer = Layer(torch.nn.Conv2d(3, 8, 5, bias=False), "output", COLOR)
    before = invert(layer, dull, settings=jittered)
    solver = JitteredLBFGS(iterations=60, final_iterations=0, restored_luminance=1, denoising=0)
    after = invert(layer, dull, settings=jittered.replace(solver=solver))
    assert torch.equal(after.images, before.images)


def test_without_jitter_the_first_part_is_l_bfgs() -> None:
    still = SETTINGS.replace(jitter=1)
    found = _minimize(still)
    plain = still.replace(
        parameterization="pixels", branch_gradient=1, solver=SobolevLBFGS(stages=((8, 0.0),))
    )
    assert torch.equal(found.trace.terms[:, :8], _minimize(plain).trace.terms)


def test_without_jitter_a_layer_of_stride_4_begins_with_algorithm_1() -> None:
    layer = Layer(torch.nn.Conv2d(3, 8, 4, stride=4, bias=False), "output", COLOR)
    still = SETTINGS.replace(jitter=1)
    alone = still.replace(solver=Algorithm1(iterations=8, final_iterations=0))
    terms = [invert(layer, PHOTO, settings=one).trace.terms[:, :8] for one in (still, alone)]
    assert torch.equal(*terms)


def test_the_last_part_reaches_black_and_white() -> None:
    """B_+ of Eq. 6 is less than the norm of a white pixel, the range of photos is not."""
    photo = torch.ones(3, 32, 32)
    photo[:, :, 16:] = 0
    layer = Layer(torch.nn.Conv2d(3, 8, 5, bias=False), "output", COLOR)
    settings = SETTINGS.replace(iterations=20, final_iterations=40, loss_weight=1e4, jitter=1)
    found = invert(layer, photo, settings=settings)
    assert found.images.norm(dim=1).max() > settings.max_pixel_norm
