"""Whatever a network raises is one error, which says who, where, for what, and why."""

from __future__ import annotations

import signal
import sys
from typing import Any

import pytest
import torch
from tests.representations.networks import COLOR
from tests.support import random_image
from torch import Tensor, nn

from preimage import invert, maximize
from preimage.presets import NNPREIMAGE
from preimage.representations.execution import Execution
from preimage.representations.layer import Layer
from preimage.representations.layers import Layers
from preimage.representations.network_error import NetworkError, Part, guarded, own_words

SHORT = NNPREIMAGE.replace(iterations=2, final_iterations=1)
X = random_image(1, 3, 32, 32).float()
PHOTO = X[0].div(255).add(0.5)


class Raising(nn.Module):
    """Raises an error where a test wants it: when trained on, in its forward or backward pass."""

    def __init__(self, error: Exception, where: str = "forward") -> None:
        super().__init__()
        self.error, self.where = error, where
        self.conv, self.behind = nn.Conv2d(3, 4, 3), nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        if self.where == "forward":
            raise self.error
        return self.behind(_Backward.apply(x, self.error))


class _Backward(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, error: Exception) -> Tensor:
        ctx.error = error
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        raise ctx.error


ERRORS = [
    RuntimeError("shapes differ\nsee above"),
    AttributeError("'Net' object has no attribute 'text'"),
    KeyError("mask"),
    TypeError("unsupported"),
    NotImplementedError(),
    ZeroDivisionError("by zero"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_what_a_network_raises_is_one_line_with_its_own_words(error: Exception) -> None:
    phi = Layer(Raising(error), "behind", COLOR, name="mine/behind")
    calls = [
        lambda: phi(X),
        lambda: phi.encode(X),
        lambda: phi.code_shape(32, 32),
        lambda: phi.receptive_field,
        lambda: phi.stride,
        lambda: phi.reach,
        lambda: Layers([phi]).outputs(X),
        lambda: invert(phi, PHOTO, settings=SHORT),
        lambda: maximize(phi, [0], settings=SHORT),
        lambda: invert(phi, codes=torch.ones(4, 30, 30), size=32, settings=SHORT),
    ]
    for call in calls:
        with pytest.raises(NetworkError) as raised:
            call()
        assert "mine fails at or before layer behind, given 1 x 3 x 32 x 32 values of float32 " in (
            str(raised.value)
        )
        assert own_words(error) in str(raised.value)
        assert "\n" not in str(raised.value)
        assert raised.value.__cause__ is error


@pytest.mark.parametrize("mode", ["auto", "plain"])
def test_an_error_of_the_backward_pass_is_one_too(mode: str) -> None:
    phi = Layer(Raising(KeyError("none"), "backward"), "behind", COLOR)
    with pytest.raises(
        NetworkError, match=r"^Raising fails in the backward pass from layer behind"
    ):
        invert(phi, PHOTO, settings=SHORT, execution=Execution(mode))


@pytest.mark.parametrize("code", [None, 0, 3, "gone"])
def test_the_network_that_ends_the_process_is_an_error_but_a_signal_is_none(code: object) -> None:
    part = Part(nn.Identity(), ("output",))
    with (
        pytest.raises(NetworkError, match=r"^Identity fails at .*: SystemExit"),
        guarded(part, torch.zeros(1)),
    ):
        sys.exit(code)  # type: ignore[arg-type]
    with pytest.raises(SystemExit), guarded(part, torch.zeros(1)):
        sys.exit(128 + signal.SIGTERM)


def test_memory_and_interruptions_are_left_as_they_are() -> None:
    part = Part(nn.Identity(), ("0",))
    for error in (torch.OutOfMemoryError("CUDA"), MemoryError(), KeyboardInterrupt()):
        with pytest.raises(type(error)) as raised, guarded(part, X):
            raise error
        assert raised.value is error


class Captioned(nn.Module):
    """Needs more than an image."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.behind = nn.Conv2d(3, 4, 3), nn.Identity()

    def forward(self, x: Tensor, text: Tensor, *, scale: float, shift: float = 0) -> Tensor:
        y: Tensor = self.behind(self.conv(x) * scale + text[:, :, None, None] + shift)
        return y


def test_further_inputs_are_asked_for_by_name_and_then_used() -> None:
    model = Captioned()
    message = r"given 1 x 3 .* give its further inputs by network\(\.\.\., inputs={'text': \.\.\., "
    with pytest.raises(NetworkError, match=message + "'scale': ...}"):
        Layer(model, "behind", COLOR)(X)
    text = torch.arange(4.0)[None]
    inputs = {"text": text, "scale": 2.0}
    phi = Layer(model, "behind", COLOR, inputs=inputs)
    two = torch.cat([X, -X])
    conv = model.get_submodule("conv")
    expected = conv(two / 64) * 2 + text[:, :, None, None]
    torch.testing.assert_close(phi(two), expected)
    torch.testing.assert_close(Layers([phi]).outputs(two)["behind"], expected)
    assert phi.inputs == inputs
    assert phi.code_shape(32, 32) == (4, 30, 30)
    assert phi.receptive_field is not None
    assert phi.receptive_field.size == 3
    found = invert(phi, PHOTO, settings=SHORT)
    assert found.ran.network == "folded"
    torch.testing.assert_close(found.codes, phi(found.images))


def test_layers_with_other_inputs_do_not_go_together() -> None:
    model = Captioned()
    one, other = (Layer(model, "behind", COLOR, inputs={"scale": scale}) for scale in (1.0, 2.0))
    with pytest.raises(ValueError, match="differ in network"):
        Layers([one, other])


def test_weights_that_are_not_finite_are_named() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3)).eval()
    with torch.no_grad():
        model.get_parameter("2.weight")[0, 0, 0, 0] = torch.inf
    last = Layer(model, "2", COLOR, name="mine/2")
    calls = [lambda: last.encode(X), lambda: invert(last, PHOTO), lambda: maximize(last, [0])]
    for call in calls:
        with pytest.raises(NetworkError, match=r"^2\.weight of mine holds NaN or infinite values"):
            call()
    first = Layer(model, "1", COLOR)
    assert first.encode(X).isfinite().all()
    with torch.no_grad():
        model.get_parameter("2.weight").fill_(1)
    model.get_buffer("1.running_var")[0] = -1
    message = "^Sequential returns NaN or infinite values at or before layer 1, given .*, although"
    with pytest.raises(NetworkError, match=message):
        invert(first, PHOTO)


@pytest.mark.parametrize(
    "first", [nn.Conv3d(3, 4, 3), nn.Conv3d(1, 4, (1, 3, 3)), nn.MaxPool3d((1, 2, 2))]
)
def test_networks_of_volumes_and_videos_are_refused_in_one_line(first: nn.Module) -> None:
    network = nn.Sequential(first, nn.ReLU())
    with pytest.raises(
        NetworkError, match=r"Sequential is a network of volumes or videos, because it has"
    ):
        Layer(network, "1", COLOR).code_shape(16, 16)
    assert not first._forward_pre_hooks


def test_a_network_that_makes_a_video_of_an_image_is_none_of_videos() -> None:
    network = nn.Sequential(nn.Unflatten(1, (3, 1)), nn.Conv3d(3, 4, (1, 3, 3)), nn.Flatten(1, 2))
    assert Layer(network, "2", COLOR).code_shape(16, 16) == (4, 14, 14)


def test_an_error_of_a_network_points_to_the_check() -> None:
    assert NetworkError("it fails").__notes__ == [
        "preimage.check (`preimage check`) shows what the network is fit for"
    ]
    assert str(NetworkError("it fails")) == "it fails"
