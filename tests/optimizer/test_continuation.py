"""Claims about C that is chosen by measuring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import preimage
from preimage.loss_weight import AUTO, LossWeight
from preimage.optimizer.continuation import Continuation, first_weight
from preimage.presets import NNPREIMAGE, settings_for

GRAY = preimage.Preprocessing(mean=(127.5,), std=(64.0,))
PHOTOS = [np.random.default_rng(seed).random((24, 24)).cumsum(0) / 24 for seed in (0, 1)]


def _layer(constant: float = 0.0) -> preimage.Layer:
    """Return a convolution with fixed weights, its output shifted by a constant."""
    conv = nn.Conv2d(1, 6, 5, stride=2)
    generator = torch.Generator().manual_seed(0)
    for parameter in conv.parameters():
        parameter.data = 0.2 * torch.randn(parameter.shape, generator=generator)
    assert conv.bias is not None
    conv.bias.data += constant
    return preimage.Layer(nn.Sequential(conv, nn.ReLU()), "1", GRAY)


def _errors(found: preimage.PreImage) -> list[float]:
    assert found.error is not None
    return [float(error) for error in found.error]


def _grow(losses: list[list[float]], evaluations: int = 100) -> list[float]:
    """Return C of two images after `evaluations` with these losses at every tenth of them."""
    continuation = Continuation([True, False], evaluations)
    weights = torch.tensor([1.0, 20.0])
    for step in range(1, evaluations):
        now = losses[min(10 * step // evaluations, len(losses) - 1)]
        continuation.grow(torch.tensor(now), weights)
    return weights.tolist()


def test_c_grows_fourfold_while_the_error_falls_by_a_sixth() -> None:
    fallen = [[(5 / 6 - 0.01) ** (2 * k)] * 2 for k in range(4)]
    assert _grow(fallen) == [2 * 4**3, 20]


def test_c_stays_once_the_error_no_longer_falls() -> None:
    assert _grow([[1.0, 1.0], [0.5, 1.0], [0.49, 1.0], [0.1, 1.0]]) == [8, 20]


def test_c_grows_six_times_at_most() -> None:
    assert _grow([[4.0**-k, 1.0] for k in range(10)]) == [2 * 4**6, 20]


def test_c_begins_larger_where_all_codes_are_alike() -> None:
    assert [first_weight(loss) for loss in (4.0, 1.0, 1e-2, 1e-9, 0.0)] == [1, 2, 256, 4096, 4096]


@pytest.mark.parametrize(
    ("constant", "solver", "most"),
    [(0, "sobolev-lbfgs", 10000), (3, "sobolev-lbfgs", 10000), (3, "jittered-lbfgs", 1000)],
)
def test_the_error_is_within_twice_that_of_the_best_c_up_to_a_largest(
    constant: float, solver: str, most: float
) -> None:
    phi = _layer(constant=constant)
    weights: list[LossWeight] = [AUTO, *(c for c in (1, 20, 100, 300, 1000, 10000) if c <= most)]
    settings = settings_for(phi, "fast", solver)
    found = preimage.invert(phi, PHOTOS[0], loss_weight=weights, settings=settings)
    chosen, *errors = _errors(found)
    assert chosen < 2 * min(errors) < 0.5 * errors[0]
    assert found.loss_weights[0] >= 100


def test_c_grows_only_after_the_jittered_steps() -> None:
    phi = preimage.Network(_layer().model, GRAY, "mine").layer("1")
    steps = [preimage.invert(phi, PHOTOS, loss_weight=weight) for weight in (AUTO, 300)]
    chosen, given = (found.trace.loss for found in steps)
    jittered = slice(settings_for(phi).evaluations(phi) // 2)
    assert chosen[jittered].equal(given[jittered])
    assert min(steps[0].loss_weights) > 300


def test_no_evaluation_is_spent_on_the_choice() -> None:
    calls: list[None] = []
    phi = _layer()
    phi.model.register_forward_hook(lambda *_: calls.append(None))
    execution = preimage.Execution(threads=1, accelerate="plain")
    counts = []
    for loss_weight in (AUTO, 20):
        calls.clear()
        preimage.invert(
            phi, PHOTOS[0], loss_weight=loss_weight, quality="draft", execution=execution
        )
        counts.append(len(calls))
    assert counts[0] <= counts[1] <= counts[0] + 20


def test_c_of_an_image_depends_on_no_other_image() -> None:
    phi = _layer()
    settings = settings_for(phi, "draft", "sobolev-lbfgs")
    options: dict[str, Any] = {"settings": settings, "execution": preimage.Execution(threads=1)}
    alone = preimage.invert(phi, PHOTOS[1], loss_weight=AUTO, **options)
    together = preimage.invert(phi, PHOTOS, loss_weight=[20, AUTO], **options)
    assert together.loss_weights[3] == alone.loss_weights[0]
    assert together.images[3].equal(alone.images[0])
    assert together.loss_weights[0] == 20


def test_the_classical_codes_are_inverted_with_a_chosen_c() -> None:
    found = preimage.invert(preimage.HOG(), PHOTOS, loss_weight=AUTO)
    together, alone = found[1], preimage.invert(preimage.HOG(), PHOTOS[1], loss_weight=AUTO)
    assert together.loss_weights == alone.loss_weights
    assert max(_errors(found)) < 0.5


def test_the_chosen_c_is_in_the_sidecar_and_survives_a_file(tmp_path: Path) -> None:
    found = preimage.invert(_layer(), PHOTOS[0], loss_weight=AUTO, quality="draft")
    described = found.describe()
    assert described["loss_weight"] == found.loss_weights[0] > 1
    assert described["settings"]["loss_weight"] == AUTO
    found.save(tmp_path / "all.npz")
    loaded = preimage.PreImage.load(tmp_path / "all.npz")
    assert (loaded.loss_weights, loaded.settings) == (found.loss_weights, found.settings)
    assert loaded.trace.loss_weight.tolist() == list(found.loss_weights)


def test_networks_leave_the_choice_to_the_fast_solver_alone() -> None:
    network = preimage.Network(_layer().model, GRAY, "mine")
    assert settings_for(network.layer("1")).loss_weight == AUTO
    assert settings_for(network.layer("1"), "nnpreimage").loss_weight == 300
    table = preimage.Network(_layer().model, GRAY, "mine", loss_weights=(("1", 7.0),))
    assert settings_for(table.layer("1")).loss_weight == 7


def test_algorithm_1_refuses_to_choose_c() -> None:
    with pytest.raises(ValueError, match="Algorithm 1 does not choose C"):
        preimage.invert(_layer(), PHOTOS[0], loss_weight=AUTO, settings=NNPREIMAGE)
