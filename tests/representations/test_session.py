"""A network in a session: evaluation mode, the faster copy, and what is restored and recorded."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import pytest
import torch
from tests.representations.networks import COLOR, resnet, state, trained, used_network
from tests.support import random_image
from torch import Tensor, nn

from preimage import invert, maximize
from preimage.presets import MODERN, NNPREIMAGE
from preimage.representations.execution import Execution, Ran
from preimage.representations.hog import HOG
from preimage.representations.layer import Layer
from preimage.representations.session import NetworkSession

CPU = torch.device("cpu")


def image(*shape: int, seed: int = 0) -> Tensor:
    return random_image(*shape, seed=seed).float()


def test_a_session_holds_for_the_whole_block_and_may_be_nested() -> None:
    model = used_network()
    before = state(model)
    phi = Layer(model, "body", COLOR)
    cpu = torch.device("cpu")
    head = Layer(model, "head", COLOR)
    with phi.session(cpu), head.session(cpu), phi.session(cpu):
        phi(image(1, 3, 32, 32))
        assert not any(module.training for module in model.modules())
        assert not any(p.requires_grad or p.grad is not None for p in model.parameters())
    assert state(model) == before


def test_what_a_layer_runs_is_the_network_again_after_the_block() -> None:
    """Also where the blocks of several layers, or of one, lie in each other."""
    model = trained(resnet())
    body, conv = Layer(model, "body", COLOR), Layer(model, "body.1.one", COLOR)
    x = random_image(1, 3, 32, 32)
    expected = conv(x)
    with body.session(CPU), conv.session(CPU), body.session(CPU):
        body(x)
        torch.testing.assert_close(conv(x), expected)
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
    assert not conv(x).any()


def test_a_copy_goes_with_its_session_without_the_garbage_collector() -> None:
    phi = Layer(resnet(), "body", COLOR)
    gc.disable()
    try:
        with phi.session(CPU) as session:
            phi(image(1, 3, 32, 32))
            assert session.ran == Ran(network="folded")
            assert isinstance(session, NetworkSession)
            copy = weakref.ref(session._copy)
        del session
        assert copy() is None
    finally:
        gc.enable()


def test_it_says_how_the_network_ran() -> None:
    phi, x = Layer(resnet(), "body", COLOR), image(1, 3, 32, 32)
    with phi.session(CPU) as session:
        phi(x)
        assert session.ran == Ran(network="folded")
        assert session.recompute()
        phi(x)
        assert session.ran == Ran(network="folded", recomputed=True)
    with phi.session(CPU, Execution("plain")) as session:
        phi(x)
        assert session.ran == Ran(network="plain")
    with phi.session(CPU, Execution("bf16")) as session:
        phi(x)
        assert session.ran == Ran(network="folded", precision="bfloat16")
    phi = Layer(resnet().double(), "body", COLOR)
    with phi.session(CPU) as session:
        assert session.ran.precision == "float64"


def test_a_representation_without_a_network_has_nothing_to_prepare() -> None:
    with HOG().session(CPU) as session:
        assert session.ran == Ran(network=None)
        assert session.weight_bytes == 0
        assert not session.recompute()


class Layout(nn.Module):
    """Differs between memory layouts, and so between the network and its copy."""

    def forward(self, x: Tensor) -> Tensor:
        return x if x.is_contiguous() else 2 * x


def test_a_network_without_an_equal_copy_runs_as_it_is_with_one_warning() -> None:
    phi = Layer(nn.Sequential(nn.Conv2d(3, 4, 3), Layout()), "1", COLOR)
    reason = "a copy computes something else"
    with phi.session(CPU) as session:
        with pytest.warns(UserWarning, match=f"^Sequential runs as it is, .*: {reason}$"):
            phi(image(1, 3, 9, 9))
        phi(image(1, 3, 9, 9))
        session.recompute()
        phi(image(1, 3, 9, 9))  # here another warning would be an error
        assert session.ran == Ran(network="plain", fallback=reason)


class Random(nn.Module):
    """Differs from call to call."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.dropout(x)


@pytest.mark.parametrize("mode", ["auto", "plain"])
def test_a_random_network_is_named_once_and_runs_as_it_is(mode: str) -> None:
    phi = Layer(nn.Sequential(nn.Conv2d(3, 4, 3), Random()), "1", COLOR)
    with phi.session(CPU, Execution(mode)) as session:
        with pytest.warns(
            UserWarning, match="^Sequential gives two results for one image, .* random"
        ):
            phi(image(1, 3, 9, 9))
        phi(image(1, 3, 9, 9))
        session.recompute()
        assert not torch.equal(phi(image(1, 3, 9, 9)), phi(image(1, 3, 9, 9)))
        assert session.ran == Ran(network="plain", fallback="its forward pass is random")


def test_the_comparison_takes_no_random_numbers() -> None:
    phi, before = Layer(resnet(), "stem", COLOR), torch.get_rng_state()
    with phi.session(CPU):
        phi(image(1, 3, 32, 32))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_result_knows_how_it_ran() -> None:
    phi = Layer(resnet(), "stem", COLOR)
    photos = [image(3, 32, 32, seed=seed).div(255).add(0.5) for seed in (0, 1)]
    result = invert(phi, photos, settings=NNPREIMAGE.with_steps(2))
    assert result.ran == Ran(network="folded", at_once=1)
    classical = invert(HOG(), photos, settings=NNPREIMAGE.with_steps(2))
    assert classical.ran == Ran(network=None, at_once=2)


class Branching(nn.Module):
    """Normalizes only images that `chosen` chooses."""

    def __init__(self, chosen: Callable[[Tensor], bool]) -> None:
        super().__init__()
        self.chosen = chosen
        self.conv, self.norm, self.out = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Identity()
        self.norm.running_mean.fill_(2)  # type: ignore[union-attr]

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        y = self.norm(y) if self.chosen(x) else y
        z: Tensor = self.out(y)
        return z


WARNING = "^Branching runs as it is from now on: its faster copy computes something else for "


def test_a_copy_is_compared_again_for_another_size() -> None:
    model = Branching(lambda x: x.shape[-1] < 20)
    phi, x = Layer(model, "out", COLOR), image(1, 3, 24, 24)
    expected = model.eval()(COLOR.to_network(x))
    with phi.session(CPU) as session:
        phi(x[..., :16, :16])
        assert session.ran.network == "folded"
        with pytest.warns(UserWarning, match=WARNING):
            torch.testing.assert_close(phi(x), expected)
        torch.testing.assert_close(phi(x), expected)
        assert session.ran.fallback is not None
    sound = Layer(resnet(), "body", COLOR)
    with sound.session(CPU) as session:
        for size in (32, 48, 32):
            sound(image(1, 3, size, size))
        assert session.ran == Ran(network="folded")


def test_a_copy_is_compared_again_at_the_end_of_a_run() -> None:
    model = Branching(lambda x: bool(x.detach().std() < 0.4)).eval()
    phi, settings = Layer(model, "out", COLOR), MODERN.with_steps(4)
    with pytest.warns(UserWarning, match=WARNING):
        result = maximize(
            phi, [1], maxima=[1.0], settings=settings, size=16, execution=Execution(threads=1)
        )
    torch.testing.assert_close(result.codes, model(COLOR.to_network(result.images)))
    assert result.ran is not None
    assert (result.ran.network, result.ran.fallback) == (
        "plain",
        "a copy computes something else for some images",
    )
