"""Targets that are asleep for the start: they wake up, and nothing else changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.support import known
from torch import Tensor, nn

import preimage
from preimage.losses import InnerProduct
from preimage.preprocessing import Preprocessing
from preimage.presets import MODERN, NNPREIMAGE
from preimage.representations.layer import Layer
from preimage.targets import channel, mean_channel
from preimage.visualizations import maximize, waking
from preimage.visualizations.responses import ResponseRange

SETTINGS = NNPREIMAGE.replace(iterations=30, final_iterations=5)
COLOR = Preprocessing(mean=(127.5,) * 3, std=(127.5,), size=(32, 32))


def network(activation: nn.Module, threshold: float = 5) -> nn.Module:
    """Channels 0 and 1 are off unless a region is red or green; channels 2 and 3 are edges."""
    body = nn.Conv2d(3, 4, 3, 2)
    torch.manual_seed(0)
    with torch.no_grad():
        body.weight.normal_(0, 0.3)
        body.weight[:2].fill_(0.0)
        body.weight[0, 0] = body.weight[1, 1] = 1.0
    body.bias = nn.Parameter(torch.tensor([-threshold, -threshold, 0.0, 0.0]))
    return nn.Sequential(body, activation)


SLEEPY = Layer(network(nn.ReLU()), "1", COLOR)
M = [2.0, 2.0, 2.0, 2.0]


def without_waking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waking.Targets, "_is_asleep", lambda *_: False)


@pytest.mark.parametrize(
    "activation", [nn.ReLU(), nn.ReLU6(), nn.Sigmoid(), nn.Hardsigmoid(), nn.Hardswish()]
)
def test_a_target_that_is_off_wakes_up_for_every_seed(
    activation: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    threshold = 9.0 if isinstance(activation, nn.Sigmoid) else 5.0
    phi = Layer(network(activation, threshold), "1", COLOR)
    seeds = [0, 1, 2]
    found = maximize(phi, 0, seeds=seeds, settings=SETTINGS, maxima=[0.9])
    without_waking(monkeypatch)
    slept = maximize(phi, 0, seeds=seeds, settings=SETTINGS, maxima=[0.9])
    assert bool((known(slept.response) <= 0.009).all())
    assert bool((known(found.response) > 0.009).all())
    assert bool((known(found.response) > 10 * known(slept.response)).all())
    assert not torch.equal(found.images[0], found.images[1])


class Written(nn.Module):
    """A rectifier that is no module of torch."""

    def __init__(self, rectifier: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.rectifier = rectifier

    def forward(self, x: Tensor) -> Tensor:
        return self.rectifier(x)


@pytest.mark.parametrize(
    "rectifier",
    [
        lambda x: x * (x > 0),
        lambda x: torch.where(x > 0, x, torch.zeros_like(x)),
        lambda x: torch.maximum(x, torch.zeros(())),
    ],
)
def test_a_written_out_relu_wakes_up_as_torchs_own(rectifier: Callable[[Tensor], Tensor]) -> None:
    written = Layer(network(Written(rectifier)), "1", COLOR)
    found = maximize(written, [0, 2], settings=SETTINGS, maxima=M[:2])
    expected = maximize(SLEEPY, [0, 2], settings=SETTINGS, maxima=M[:2])
    assert bool((known(found.response) > 0.1).all())
    assert torch.equal(found.images, expected.images)


def test_a_target_in_the_flat_middle_of_a_shrinkage_is_asleep() -> None:
    phi = Layer(network(nn.Softshrink(3.0), 0.0), "1", COLOR)
    placed = channel(None, 0).place(phi.code_grids(32, 32))
    targets = waking.Targets(phi, [ResponseRange(2.0, -2.0)], InnerProduct(placed[None]), [[0]])
    for brightness, is_asleep in ((0.0, True), (127.5, False)):
        image = torch.full((3, 32, 32), brightness)
        assert targets._is_asleep(0, image, phi(image[None])[0]) is is_asleep


def test_a_target_that_an_activation_stops_at_its_largest_response_is_not_asleep() -> None:
    phi = Layer(network(nn.ReLU6(), -7.0), "1", COLOR)
    placed = channel(None, 0).place(phi.code_grids(32, 32))
    targets = waking.Targets(phi, [ResponseRange(6.0, 0.0)], InnerProduct(placed[None]), [[0]])
    image = torch.zeros(3, 32, 32)
    assert not targets._is_asleep(0, image, phi(image[None])[0])


def test_nothing_else_in_the_batch_changes_by_a_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = maximize(SLEEPY, [2, 0, 3], seeds=[0, 1], settings=SETTINGS, maxima=M[:3])
    alone = maximize(SLEEPY, 0, seeds=[1], settings=SETTINGS, maxima=M[:1])
    assert torch.equal(batch.images[3], alone.images[0])
    assert torch.equal(batch.trace.total[:, 3], alone.trace.total[:, 0])
    without_waking(monkeypatch)
    before = maximize(SLEEPY, [2, 0, 3], seeds=[0, 1], settings=SETTINGS, maxima=M[:3])
    for row in (0, 1, 4, 5):
        assert torch.equal(batch.images[row], before.images[row])
    assert before.below_maximum is not None
    assert before.below_maximum[2]


def test_a_target_that_sleeps_for_its_photo_wakes_up_from_this_photo() -> None:
    bright, dark = torch.full((3, 32, 32), 0.6), torch.full((3, 32, 32), 0.5)
    batch = maximize(SLEEPY, [2, 0], start=[bright, dark], settings=SETTINGS, maxima=M[:2])
    alone = maximize(SLEEPY, 0, start=dark, settings=SETTINGS, maxima=M[:1])
    other = maximize(SLEEPY, 0, start=bright, settings=SETTINGS, maxima=M[:1])
    assert known(alone.response).item() > 0.1
    assert torch.equal(batch.images[1], alone.images[0])
    assert not torch.equal(batch.images[1], other.images[0])


def test_a_sum_a_mean_and_a_cell_of_a_mosaic_wake_up_too() -> None:
    both = maximize(SLEEPY, channel(None, 0) + channel(None, 1), settings=SETTINGS, maxima=[2.0])
    assert known(both.response).item() > 0.1
    mean = maximize(SLEEPY, mean_channel(None, 0), settings=SETTINGS, maxima=[2.0])
    assert known(mean.response).item() > 0.1
    mosaic = maximize(SLEEPY, [2, 0, 1], settings=SETTINGS, maxima=M[:3], mosaic=True)
    assert bool((known(mosaic.response) > 0.1).all())


def test_diverse_images_of_a_sleeping_target_wake_up_and_the_others_stay() -> None:
    options: dict[str, Any] = {"seeds": [0, 1], "settings": SETTINGS, "diversity": 0.1}
    batch = maximize(SLEEPY, [2, 0], maxima=M[:2], **options)
    assert bool((known(batch.response)[2:] > 0.1).all())
    alone = maximize(SLEEPY, 2, maxima=M[:1], **options)
    assert torch.allclose(batch.images[:2], alone.images, atol=1e-3)


def test_a_channel_of_a_real_network_wakes_up() -> None:
    layer = preimage.network("efficientnet-lite0").layer("stem.act")
    settings = MODERN.with_steps(80)
    result = maximize(layer, [14, 5], seeds=[0, 1], settings=settings, maxima=[5.43, 6.0])
    assert bool((known(result.response) > 0.5).all())


def test_what_no_image_wakes_is_said_to_be_below_the_maximum() -> None:
    class Deaf(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(0.0 * x - 1.0)

    result = maximize(Layer(nn.Sequential(Deaf()), "0", COLOR), 0, settings=SETTINGS, maxima=[1.0])
    assert result.below_maximum == (True,)
    assert result.describe()["below_maximum"] is True
    assert maximize(SLEEPY, 2, settings=SETTINGS, maxima=[0.01]).below_maximum == (False,)


def test_a_function_of_a_sleeping_channel_wakes_up_as_the_channel() -> None:
    found = maximize(SLEEPY, lambda code: code[:, 0, 7, 7], size=32, settings=SETTINGS, maxima=[2])
    expected = maximize(SLEEPY, channel(None, 0), size=32, settings=SETTINGS, maxima=[2])
    assert known(found.response).item() > 0.1
    assert torch.equal(found.images, expected.images)
