"""`Layers`: several layers of one network by one forward pass."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from tests.representations.networks import COLOR, Residual, resnet, state, vgg
from tests.support import random_image
from torch import Tensor, nn

from preimage.preprocessing import Preprocessing
from preimage.representations.layer import Layer
from preimage.representations.layers import Layers
from preimage.representations.network_error import NetworkError

RESNET_LAYERS = ["stem.0", "stem", "body.0.one", "body.0.bn", "body.0", "body.1.act", "body"]
"""Some with an activation in place right behind them, some inside others."""


def image(*shape: int, seed: int = 0) -> Tensor:
    return random_image(*shape, seed=seed).float()


def layers(model: nn.Module, *names: str) -> Layers:
    return Layers([Layer(model, name, COLOR, name=f"net/{name}") for name in names])


@pytest.mark.parametrize(
    ("build", "names"),
    [
        (resnet, RESNET_LAYERS),
        (resnet, [*RESNET_LAYERS[::-1], "pair.inside", "head"]),
        (vgg, ["0.0", "0.1", "0.2", "0", "1", "2", "3"]),
        (vgg, ["2", "0.4"]),
        (lambda: Residual(3), ["bn", "act", "one"]),
    ],
)
def test_each_output_is_bit_for_bit_that_of_the_layer_alone(
    build: Callable[[], nn.Module], names: list[str]
) -> None:
    model, x = build(), image(2, 3, 32, 32)
    together = layers(model, *names).outputs(x)
    assert list(together) == names
    for name in names:
        assert torch.equal(together[name], Layer(model, name, COLOR)(x)), name


def test_the_code_is_the_codes_end_to_end_and_its_gradient_right() -> None:
    model = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Tanh(), nn.Flatten(), nn.Linear(40, 4)).double()
    both = layers(model, "3", "0")
    x = random_image(2, 3, 6, 7).requires_grad_()
    assert both(x).shape == (2, *both.code_shape(6, 7)) == (2, 4 + 2 * 4 * 5)
    assert torch.equal(both(x)[:, :4], Layer(model, "3", COLOR)(x))
    assert torch.autograd.gradcheck(both, x)


def test_the_users_network_is_as_it_was_also_after_an_error() -> None:
    model = resnet()
    model.stem.requires_grad_(False)
    model.body[2] = Residual(5)
    before = state(model)
    layers(model, "stem", "body.1")(image(1, 3, 32, 32).requires_grad_()).sum().backward()
    with pytest.raises(NetworkError, match=r"^net fails at or before layers stem, head, given "):
        layers(model, "stem", "head")(image(1, 3, 32, 32))
    assert state(model) == before


def test_images_of_other_channels_are_refused() -> None:
    with pytest.raises(ValueError, match=r"images of 3 channels are \(N, 3, H, W\)"):
        layers(resnet(), "stem", "head")(image(1, 1, 32, 32))


def test_they_show_their_layers_and_the_class_of_their_network() -> None:
    assert repr(layers(resnet(), "stem", "head")) == "Layers('stem', 'head' of ResNet)"


def test_stride_and_jitter_are_those_of_the_coarsest_layer() -> None:
    both = layers(resnet(), "stem", "body.1", "body.0")
    assert (both.stride, both.default_jitter) == (4, 1)
    assert layers(resnet(), "head", "stem").default_jitter == 8
    assert both.image_size((5,)) == (32, 32)
    assert both.code_shapes(32, 64) == {
        "stem": (8, 16, 32), "body.1": (8, 8, 16), "body.0": (8, 16, 32),
    }  # fmt: skip


def test_a_layer_counts_once_and_each_is_there_by_name() -> None:
    both = layers(resnet(), "stem", "body", "stem")
    assert {name: layer.name for name, layer in both.layers.items()} == {
        "stem": "net/stem",
        "body": "net/body",
    }
    assert both.name == "net/stem, net/body"
    assert torch.equal(copy.deepcopy(both)(image(1, 3, 32, 32)), both(image(1, 3, 32, 32)))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["stem", "pair"], "layer 'pair' returns a tuple of 2, not one tensor"),
        (["unused", "stem"], "layer 'unused' is not reached by the forward pass"),
        (["stem", "bodi"], "unknown layer of ResNet 'bodi': did you mean 'body'"),
        ([], "no layer was given"),
    ],
)
def test_layers_that_cannot_be_used_are_refused(names: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        layers(resnet(), *names).outputs(image(1, 3, 32, 32))


def test_layers_of_two_networks_or_preprocessings_are_refused() -> None:
    model = resnet()
    for other in (Layer(resnet(), "body", COLOR), Layer(model, "body", Preprocessing((0.0,) * 3))):
        with pytest.raises(ValueError, match="layers stem, body differ in network, "):
            Layers([Layer(model, "stem", COLOR), other])


def test_an_image_that_the_network_does_not_take_is_refused_in_one_line() -> None:
    message = r"^net/0\.0, net/2 does not take color images of 4 x 4 pixels: "
    with pytest.raises(ValueError, match=message):
        layers(vgg(), "0.0", "2").code_shape(4, 4)


def test_the_receptive_fields_of_all_layers_come_from_one_pass() -> None:
    names = ["stem", "body.0", "body.1.skip", "body.2", "head"]
    model = resnet()
    several, calls = layers(model, *names), []
    model.register_forward_pre_hook(lambda *_: calls.append(1))
    fields = several.receptive_fields
    passes = len(calls)
    assert fields == {name: Layer(model, name, COLOR).receptive_field for name in names}
    assert fields["head"] is None
    assert passes < 9 <= len(calls) - passes
    assert layers(vgg(), "0.0", "0.2").receptive_fields.keys() == {"0.0", "0.2"}


def test_a_network_given_as_layers_is_told_how() -> None:
    for given in (nn.Sequential(nn.ReLU()), ["0"]):
        with pytest.raises(TypeError, match="Layers takes a list of layers of one network, as in"):
            Layers(given)  # type: ignore[arg-type]
