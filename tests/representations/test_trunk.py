"""The part of a network that layers share: names, dtypes, sessions and trial runs."""

from __future__ import annotations

from typing import cast

import pytest
import torch
from tests.representations.networks import COLOR, resnet
from tests.support import random_image
from torch import Tensor, nn

from preimage import check, invert
from preimage.preprocessing import GRAY, Preprocessing
from preimage.presets import NNPREIMAGE
from preimage.representations.execution import AUTO, Execution
from preimage.representations.layer import Layer
from preimage.representations.network_error import NetworkError
from preimage.representations.trunk import Trunk

CPU = torch.device("cpu")
X = random_image(1, 3, 32, 32).float()


def test_a_layer_that_does_not_exist_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ValueError, match=r"'body\.1'"):
        Trunk(resnet(), ["stem", "bodi.1"], COLOR)


def test_outputs_have_the_dtype_of_the_images_whatever_that_of_the_network() -> None:
    trunk = Trunk(resnet().double(), ["stem", "head"], COLOR)
    outputs = trunk(random_image(1, 3, 32, 32).float())
    assert [output.dtype for output in outputs.values()] == [torch.float32] * 2


class Mixed(nn.Module):
    """Holds a scale of another number type than its convolution."""

    def __init__(self, first: torch.dtype, then: torch.dtype) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((1,), 2.0, dtype=first))
        self.conv, self.relu = nn.Conv2d(3, 4, 3, dtype=then), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.relu(self.conv(x) * self.scale)
        return y


@pytest.mark.parametrize("first", [torch.float64, torch.float16])
def test_the_input_has_the_number_type_that_the_network_takes(first: torch.dtype) -> None:
    model = Mixed(first, torch.float32)
    expected = model(COLOR.to_network(X)).float()
    phi = Layer(model, "relu", COLOR)
    torch.testing.assert_close(phi(X), expected)
    with phi.session(CPU):
        torch.testing.assert_close(phi(X), expected)
    with Layer(model, "relu", COLOR).session(CPU):
        torch.testing.assert_close(phi(X), expected)
    model.double()
    torch.testing.assert_close(phi(X), expected)


class FromBuffer(nn.Module):
    """Has no parameters, and a buffer in double precision."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Buffer(torch.ones(4, 3, 3, 3, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.conv2d(x, self.kernel)


def test_the_number_type_of_buffers_counts_without_parameters() -> None:
    model = FromBuffer()
    expected = model(COLOR.to_network(X).double()).float()
    torch.testing.assert_close(Layer(model, "output", COLOR)(X), expected)


class Reusing(nn.Module):
    """Returns a tensor that its next pass overwrites, unless gradients are wanted."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.act = nn.Conv2d(3, 4, 3), nn.Identity()
        self.kept: dict[tuple[int, ...], Tensor] = {}

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        if not y.requires_grad:
            y = self.kept.setdefault(tuple(y.shape), torch.empty_like(y)).copy_(y)
        z: Tensor = self.act(y)
        return z


def test_codes_are_not_overwritten_by_a_later_pass() -> None:
    model = Reusing()
    phi, other = Layer(model, "act", COLOR), random_image(1, 3, 32, 32, seed=1).float()
    expected = model.conv(COLOR.to_network(X))
    with phi.session(CPU, Execution("plain")), torch.no_grad():
        code = phi(X)
        phi(other)
        torch.testing.assert_close(code, expected)
    report = check(phi, size=(32, 32))
    assert report.ok, report


def test_a_session_inside_another_is_the_outer_one_and_a_device_is_checked_in_each() -> None:
    trunk = Trunk(resnet(), ["stem"], COLOR)
    with trunk.session(CPU, AUTO) as outer:
        with trunk.session(CPU, Execution("plain")) as inner:
            assert inner is outer
        with pytest.raises(ValueError, match="needs cuda"), trunk.session(CPU, Execution("graph")):
            pass
    with trunk.session(CPU, AUTO) as later:
        assert later is not outer


def test_shapes_come_from_one_trial_run_for_each_size() -> None:
    model, calls = resnet(), []
    model.register_forward_pre_hook(lambda module, inputs: calls.append(len(inputs[0])))
    trunk = Trunk(model, ["stem", "head"], COLOR)
    for _ in range(2):
        assert trunk.shapes("net", 48, 64) == {"stem": (8, 24, 32), "head": (5,)}
    assert calls == [1, 2]  # two images tell the batch axis, once for both layers
    trunk.shapes("net", 16, 16)
    assert calls == [1, 2, 1]


def test_a_size_that_the_network_does_not_take_is_one_line_about_the_name() -> None:
    trunk = Trunk(nn.Sequential(nn.Conv2d(1, 4, 11)), ["0"], GRAY)
    message = r"^net does not take gray images of 8 x 9 pixels: [^\n]+(\n|$)"
    with pytest.raises(ValueError, match=message):
        trunk.shapes("net", 8, 9)


class Bounded(nn.Module):
    """Takes images in 0..1 alone, or clips them to it."""

    def __init__(self, clips: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.clips, self.conv = clips, nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        if self.clips:
            x = x.clamp(0, 1)
        if not 0 <= x.min() <= x.max() <= 1:
            raise ValueError("values must lie in 0..1")
        y: Tensor = self.conv(x)
        return y


@pytest.mark.parametrize("mode", ["auto", "plain"])
def test_a_network_of_a_bounded_range_sees_clipped_images_after_a_warning(mode: str) -> None:
    unit = Preprocessing(mean=(0.0,) * 3, std=(255.0,), size=(16, 16))
    photo, settings = random_image(3, 16, 16).float().div(255).add(0.5), NNPREIMAGE.with_steps(20)
    phi, clipping = (Layer(Bounded(clips), "conv", unit) for clips in (False, True))
    expected = invert(clipping, photo, settings=settings, execution=Execution(mode))
    with pytest.warns(
        UserWarning, match="^Bounded fails for images that leave the range of photos"
    ):
        found = invert(phi, photo, settings=settings, execution=Execution(mode))
    assert torch.equal(found.images, expected.images)
    wrong = Layer(Bounded(False), "conv", Preprocessing(mean=(0.0,) * 3))
    message = r"Bounded fails at or before layer conv, given 1 x 3 x 16 x 16 values .* from "
    message += r".*0\.\.1(\n|$)"
    with pytest.raises(NetworkError, match=message):
        invert(wrong, photo, settings=settings)


@pytest.mark.filterwarnings("ignore")  # torch's own, of its compiler
@pytest.mark.parametrize("backend", ["compile", "eager"])
def test_a_compiled_network_gives_what_it_gives_uncompiled(backend: str) -> None:
    model = resnet()
    expected = Layer(model, "body", COLOR).encode(X)
    if backend == "compile":
        model.compile(backend="eager")
        phi = Layer(model, "body", COLOR)
    else:
        compiled = cast("nn.Module", torch.compile(model, backend="eager"))
        phi = Layer(compiled, "_orig_mod.body", COLOR)
    torch.testing.assert_close(phi.encode(X), expected)
    found = invert(phi, X[0].div(255).add(0.5), settings=NNPREIMAGE.with_steps(2))
    torch.testing.assert_close(found.codes, Layer(model, "body", COLOR).encode(found.images))


@pytest.mark.filterwarnings("ignore")  # torch's own, of its deprecated quantization
def test_a_quantized_layer_is_said_to_have_no_gradient() -> None:
    chain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 30 * 30, 5))
    small = torch.ao.quantization.quantize_dynamic(chain, {nn.Linear}, dtype=torch.qint8)
    message = (
        "^layer 2 of Sequential passes no gradient to the image: quantized layers, such as 2, "
    )
    with pytest.raises(ValueError, match=message):
        invert(Layer(small, "2", COLOR), X[0].div(255).add(0.5), quality="draft")
    before, same = Layer(small, "0", COLOR), Layer(chain, "0", COLOR)
    assert torch.equal(before.encode(X), same.encode(X))


def test_a_complex_output_is_refused() -> None:
    with pytest.raises(ValueError, match="layer '1' returns complex numbers"):
        Layer(nn.Sequential(nn.Conv2d(3, 4, 3), Spectrum()), "1", COLOR).encode(X)


class Spectrum(nn.Module):
    """A Fourier transform."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.fft.fft2(x)
