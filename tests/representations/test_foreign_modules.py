"""Layers of TorchScript and of exported programs, against the networks that they come from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import preimage
from preimage.representations.foreign_modules import advice, is_scripted_chain
from preimage.representations.layer import Layer

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
    pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning"),
]
PRE = preimage.Preprocessing(mean=(120.0,) * 3, std=(60.0,) * 3, size=(16, 16))
PHOTO = Path(__file__).parents[2] / "src/preimage/photos/chelsea.jpg"


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Add what the convolution makes of `x`."""
        y: Tensor = x + self.conv(x)
        return y


def chain() -> nn.Module:
    torch.manual_seed(0)
    inner = nn.Sequential(nn.Conv2d(8, 4, 3), nn.ReLU())
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), inner, Residual2()).eval()


class Residual2(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        """Add `x` to itself."""
        return x + x


def reloaded(network: nn.Module, folder: Path) -> nn.Module:
    torch.jit.save(network, folder / "net.pt")
    loaded: nn.Module = torch.jit.load(folder / "net.pt")
    return loaded


X = torch.linspace(-100, 100, 2 * 3 * 16 * 16).view(2, 3, 16, 16)
MAKERS: dict[str, Callable[[nn.Module], nn.Module]] = {
    "scripted": torch.jit.script,
    "traced": lambda network: torch.jit.trace(network, X),
}


@pytest.mark.parametrize("saved", [False, True])
@pytest.mark.parametrize("how", MAKERS)
def test_children_of_a_scripted_chain_are_layers(how: str, saved: bool, tmp_path: Path) -> None:
    plain = chain()
    script = MAKERS[how](plain)
    script = reloaded(script, tmp_path) if saved else script
    for layer in ("0", "1", "2", "2.0", "2.1", "3", "output", "1.input"):
        expected = Layer(plain, layer, PRE)(X)
        assert torch.equal(Layer(script, layer, PRE)(X), expected), layer


@pytest.mark.filterwarnings("ignore:.*without a faster copy")
@pytest.mark.parametrize("how", MAKERS)
def test_a_layer_of_a_scripted_chain_is_inverted(how: str) -> None:
    plain = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU()).eval()
    script = MAKERS[how](plain)
    expected, found = (
        preimage.invert(Layer(network, "1", PRE), PHOTO, size=16, quality="draft")
        for network in (plain, script)
    )
    assert found.error is not None
    assert expected.error is not None
    torch.testing.assert_close(found.error, expected.error, rtol=0.1, atol=0.02)
    assert found.error < 0.5


def test_a_chain_is_told_from_its_graph_not_from_its_name() -> None:
    assert is_scripted_chain(torch.jit.script(chain()))
    assert not is_scripted_chain(torch.jit.script(Residual()))
    assert not is_scripted_chain(torch.jit.trace(Residual(), X))
    assert not is_scripted_chain(chain())


@pytest.mark.parametrize("how", MAKERS)
def test_a_layer_inside_other_scripted_modules_says_what_to_do(how: str) -> None:
    script = MAKERS[how](Residual())
    with pytest.raises(ValueError, match=r"'conv' is not reached .* TorchScript runs its modules"):
        Layer(script, "conv", PRE)(X)
    with pytest.raises(ValueError, match="did you mean 'conv'"):
        Layer(script, "cnv", PRE)
    assert torch.equal(Layer(script, "output", PRE)(X), script(PRE.to_network(X)))


def test_a_scripted_part_of_a_network_says_that_it_cannot_be_watched() -> None:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone = torch.jit.script(Residual())
            self.head = nn.Conv2d(3, 2, 1)

        def forward(self, x: Tensor) -> Tensor:
            """Return the head's output."""
            y: Tensor = self.head(self.backbone(x))
            return y

    network = Mixed()
    with pytest.raises(ValueError, match="layer 'backbone' cannot be watched: TorchScript"):
        Layer(network, "backbone", PRE)(X)
    assert torch.equal(Layer(network, "head", PRE)(X), network(PRE.to_network(X)))


def test_layers_of_an_exported_program_are_those_of_its_unflattened_form() -> None:
    plain = chain()
    program = torch.export.export(plain, (X,))
    module = program.module()
    with pytest.raises(ValueError, match=r"use torch\.export\.unflatten\(program\) instead"):
        Layer(module, "0", PRE)(X)
    with pytest.raises(ValueError, match=r"unknown layer .* use torch\.export\.unflatten"):
        Layer(module, "1", PRE)  # a ReLU has no weights, and so no place there
    assert advice(plain) is advice(torch.fx.symbolic_trace(Residual())) is None
    assert advice(module) is not None
    unflattened = torch.export.unflatten(program)
    for layer in ("0", "2", "2.1"):
        torch.testing.assert_close(
            Layer(unflattened, layer, PRE)(X), Layer(plain, layer, PRE)(X), rtol=1e-5, atol=1e-5
        )
