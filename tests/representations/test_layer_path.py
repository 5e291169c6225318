"""Names of layers beyond submodules: items, fields, calls, inputs and operations."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import torch
from tests.representations.networks import COLOR, Residual
from tests.support import random_image
from torch import Tensor, nn
from torch.nn.functional import conv2d, relu

from preimage.representations.layer import Layer
from preimage.representations.layer_path import LayerPath
from preimage.representations.layers import Layers


class Pair(NamedTuple):
    logits: Tensor
    aux: Tensor | None


class Several(nn.Module):
    """A module of every kind of output, a shared one, one that is not called, and operations."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.split = Split()
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.block = Residual(4)

    def forward(self, image: Tensor) -> Pair:
        x = self.relu(self.conv(image))
        y = self.relu(self.conv_again(x) - 0.5)
        found = self.split(y)
        tokens = found["maps"].flatten(2).transpose(1, 2)
        attended, _ = self.attention(tokens, tokens, tokens)
        x = self.block(x)
        x += y
        return Pair(relu(x - 1).mean((2, 3)) + attended.mean(1), None)

    def conv_again(self, x: Tensor) -> Tensor:
        return conv2d(x, self.conv.weight[:, [0, 1, 2, 0]], padding=1)


class Split(nn.Module):
    """Returns a dict with a tensor and a list."""

    def forward(self, x: Tensor) -> dict[str, Any]:
        return {"maps": 2 * x, "list": [x, x + 1], "name": "split"}


def several() -> Several:
    torch.manual_seed(0)
    return Several().eval()


def values() -> dict[str, Tensor]:
    """The value of each name, by hand."""
    model, x = several(), image() / 64
    with torch.no_grad():
        first = model.conv(x).relu()
        difference = model.conv_again(first) - 0.5
        y = difference.relu()
        tokens = (2 * y).flatten(2).transpose(1, 2)
        attended = model.attention(tokens, tokens, tokens)[0]
        block = model.block(first.clone())
        inside = model.block.bn(model.block.one(first)).relu()
        skip = model.block.skip(first) + model.block.two(inside)
        logits = (block + y - 1).relu().mean((2, 3)) + attended.mean(1)
        return {
            "relu": first, "relu#2": y, "relu#2.input": difference, "split.maps": 2 * y,
            "split.list[1]": y + 1, "split.list[-2]": y, "attention[0]": attended,
            "attention.input": tokens, "sub": difference, "flatten": tokens,
            "add": block + y, "sub_1": block + y - 1, "relu_2": (block + y - 1).relu(),
            "output.logits": logits, "output[0]": logits, "add_1": logits, "block.add": skip,
            "block.act#2.input": skip,
            "block.two.input": inside, "block.input": first,
            "split.mul": 2 * y,
        }  # fmt: skip


def image() -> Tensor:
    return random_image(1, 3, 12, 12).float()


@pytest.mark.parametrize("name", values())
def test_each_name_stands_for_the_tensor_that_the_network_computes(name: str) -> None:
    torch.testing.assert_close(Layer(several(), name, COLOR)(image()), values()[name].clone())


def test_all_of_them_are_found_in_one_pass_and_before_the_network_ends() -> None:
    model = several()
    phi = Layers([Layer(model, name, COLOR) for name in values()])
    for name, found in phi.outputs(image()).items():
        torch.testing.assert_close(found, values()[str(name)])
    few = Layers([Layer(model, name, COLOR) for name in ("split.maps", "sub", "relu")])
    torch.testing.assert_close(few.outputs(image())["sub"], values()["sub"])


def test_in_a_chain_an_input_is_what_the_module_before_returns() -> None:
    chain = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True)), Residual(4)
    ).eval()
    x = image()
    before = Layer(chain, "0.0", COLOR)(x)
    assert torch.equal(Layer(chain, "0.1.input", COLOR)(x), before)
    both = Layers([Layer(chain, name, COLOR) for name in ("0.1.input", "0", "1.add", "1.input")])
    found = both.outputs(x)
    assert torch.equal(found["0.1.input"], before)
    assert torch.equal(found["0"], before.relu())
    assert torch.equal(found["1.input"], before.relu())
    assert torch.equal(found["1.add"].relu(), Layer(chain, "1", COLOR)(x))


@pytest.mark.parametrize("name", ["1.add", "1.act#2.input", "1.two.input", "0.1.input"])
def test_a_fast_copy_and_one_that_recomputes_have_the_same_layers(name: str) -> None:
    chain = nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), Residual(4)).eval()
    phi, x = Layer(chain, name, COLOR), image()
    expected = phi(x)
    with phi.session(torch.device("cpu")) as session:
        torch.testing.assert_close(phi(x), expected)
        assert session.recompute()
        torch.testing.assert_close(phi(x), expected)
        assert session.ran.recomputed


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("block.", "block"), (".block", "block"), ("block..two", "block.two"),
        ("block.two.", "block.two"), ("block.two..", "block.two"), (".relu#2", "relu"),
    ],
)  # fmt: skip
def test_a_name_with_a_stray_dot_is_no_layer(name: str, nearest: str) -> None:
    message = f"^unknown layer of Several '{name}': did you mean '{nearest}"
    with pytest.raises(ValueError, match=message):
        Layer(several(), name, COLOR)


@pytest.mark.parametrize("name", ["conv.weight", "block.bn.running_mean"])
def test_a_weight_is_no_layer(name: str) -> None:
    with pytest.raises(ValueError, match=f"^unknown layer of Several '{name}': there are conv, "):
        Layer(several(), name, COLOR)


@pytest.mark.parametrize("name", ["", ".", "..", "0.", ".0", "0..0", "0.weight", "0.input."])
def test_stray_dots_are_refused_where_layers_are_numbers(name: str) -> None:
    chain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(nn.ReLU()))
    with pytest.raises(ValueError, match=f"^unknown layer of Sequential '{name}': "):
        Layer(chain, name, COLOR)


def test_a_submodule_wins_over_a_field_and_an_operation_over_neither() -> None:
    model = several()
    model.add_module("sub", nn.Identity())
    assert LayerPath.parse(model, "sub").module == "sub"
    assert LayerPath.parse(model, "split.maps") == LayerPath(
        "split.maps", "split", 1, False, ("maps",)
    )
    assert LayerPath.parse(model, "output.logits").operation is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cnov", "unknown layer of Several 'cnov': did you mean 'conv'"),
        ("conv.4", r"unknown layer of Several 'conv.4'"),
        ("conv[0", r"unknown layer of Several 'conv\[0'"),
        ("conv[0]", r"'conv\[0\]' is not there: conv returns a tensor of shape \(1, 4, 12, 12\)"),
        (
            "split.map",
            r"split returns a dict of 3: .* such as split.maps, split.list\[0\]",
        ),
        (
            "split",
            "'split' returns a dict of 3, not one tensor: choose .* such as split.maps",
        ),
        ("split.name", "layer 'split.name' returns a str, not one tensor: choose another layer"),
        ("attention.out_proj", r"'attention.out_proj' is not reached .*, unlike attention\[0\]$"),
        (
            "relu#3",
            "'relu#3' is not reached by the forward pass: relu is called fewer than 3",
        ),
        ("add_7", "of the operations of the network, unknown operation 'add_7': did you mean 'add"),
        ("block.sub", "of the operations of block, unknown operation 'sub': .*add"),
        ("output", "'output' returns a Pair of 2, not one tensor: choose .* output.logits"),
    ],
)
def test_a_name_that_stands_for_no_tensor_is_refused_with_names_that_do(
    name: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message) as raised:
        Layer(several(), name, COLOR)(image())
    assert "\n" not in str(raised.value)


def test_heads_are_ranges_of_channels_of_the_input_of_the_projection() -> None:
    attention = pytest.importorskip("timm.layers", exc_type=ImportError).Attention
    torch.manual_seed(0)
    model: Any = nn.Sequential(
        nn.Conv2d(3, 12, 4, 4), nn.Flatten(2), Transposed(), attention(12, 3)
    )
    x = image()
    code = Layer(model.eval(), "3.proj.input", COLOR)(x)
    with torch.no_grad():
        q, k, v = model[3].qkv(model[:3](x / 64)).unflatten(2, (3, 12)).unbind(2)
        for head in range(3):
            part = slice(4 * head, 4 * head + 4)
            weights = (q[..., part] @ k[..., part].mT / 2).softmax(-1)
            torch.testing.assert_close(code[..., part], weights @ v[..., part])


class Transposed(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mT


def test_complex_outputs_are_refused() -> None:
    class Spectrum(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.fft.rfft2(x)

    model = nn.Sequential(nn.Conv2d(3, 4, 3), Spectrum())
    with pytest.raises(ValueError, match="layer '1' returns complex numbers"):
        Layer(model, "1", COLOR)(image())
