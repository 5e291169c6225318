"""How much memory an evaluation takes, and what makes it less."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from benchmarks.networks import peak_bytes as profiled_peak
from tests.representations.networks import COLOR, Residual, resnet, state
from tests.support import random_image
from torch import Tensor, nn

from preimage import invert, maximize
from preimage.representations.hog import HOG
from preimage.representations.layer import Layer
from preimage.representations.layers import Layers
from preimage.representations.memory import fit, peak_bytes
from preimage.settings import MODERN, NNPREIMAGE

CPU = torch.device("cpu")
SIZE = (64, 64)


class Tokens(nn.Module):
    """A transformer: an embedding, blocks in a list, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 16, 4, 4)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(16, 2, 32, batch_first=True) for _ in range(4)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x).flatten(2).transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        return x


def deep() -> nn.Sequential:
    """A chain of 18 plain layers, as VGG's are."""
    layers: list[nn.Module] = [nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(inplace=True)]
    for _ in range(8):
        layers += [nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def nested() -> nn.Sequential:
    """A chain in a chain, with blocks."""
    body = nn.Sequential(nn.Conv2d(3, 8, 3), *[Residual(8) for _ in range(8)])
    return nn.Sequential(body, nn.Tanh(), nn.Flatten())


def random_photo(channels: int, seed: int) -> np.ndarray:
    return random_image(channels, *SIZE, seed=seed, scale=1).numpy() + 0.5


def evaluation(phi: Layer) -> tuple[Tensor, Tensor]:
    """Code and gradient of a random image."""
    x = random_image(3, *SIZE)[None].float().requires_grad_()
    code = phi(x)
    (gradient,) = torch.autograd.grad(code, x, torch.linspace(-1, 1, code.numel()).view_as(code))
    return code.detach(), gradient


@pytest.mark.parametrize(
    ("model", "layer"),
    [(deep, "15"), (deep, "17"), (nested, "0.2"), (nested, "1"), (resnet, "body.1"),
     (resnet, "body.2.bn"), (Tokens, "blocks.2"), (Tokens, "blocks.3.linear1")],
)  # fmt: skip
@pytest.mark.parametrize("accelerate", ["auto", "none"])
def test_recomputed_activations_give_the_same_bits(model: Any, layer: str, accelerate: str) -> None:
    torch.manual_seed(0)
    network = model()
    before = state(network)
    phi = Layer(network, layer, COLOR)
    with phi.frozen(CPU, accelerate):
        kept = evaluation(phi)
        assert phi.recompute()
        assert not phi.recompute()
        recomputed = evaluation(phi)
    assert torch.equal(kept[0], recomputed[0])
    assert torch.equal(kept[1], recomputed[1])
    assert state(network) == before


@pytest.mark.parametrize(("model", "layer"), [(deep, "17"), (nested, "2"), (Tokens, "blocks.3")])
def test_recomputed_activations_take_less_memory(model: Any, layer: str) -> None:
    phi = Layer(model(), layer, COLOR)
    with phi.frozen(CPU):
        evaluation(phi)
        kept = peak_bytes(lambda: evaluation(phi), CPU)
        phi.recompute()
        evaluation(phi)
        assert peak_bytes(lambda: evaluation(phi), CPU) < 0.75 * kept


def test_the_peak_is_that_of_the_profiler() -> None:
    phi = Layer(deep(), "17", COLOR)
    with phi.frozen(CPU):
        evaluation(phi)
        expected = profiled_peak(lambda: lambda _: evaluation(phi))
        peak = peak_bytes(lambda: evaluation(phi), CPU)
    assert peak == pytest.approx(expected, rel=0.1)


def test_as_many_images_fit_as_the_memory_holds() -> None:
    phi = HOG()
    each = fit(phi, (64, 64), 1, 10**9, CPU)
    assert each == 1
    assert fit(phi, (64, 64), 1000, None, CPU) is None
    few, more = (fit(phi, (64, 64), 40, memory, CPU) for memory in (12_000_000, 18_000_000))
    assert few is not None
    assert more is not None
    assert 1 <= few < more < 40
    assert fit(phi, (64, 64), 40, 10**9, CPU) == 40


def test_what_does_not_fit_is_recomputed_and_then_refused() -> None:
    phi = Layer(deep(), "17", COLOR)
    with phi.frozen(CPU):
        evaluation(phi)
        kept = peak_bytes(lambda: evaluation(phi), CPU)
        assert fit(phi, SIZE, 1, phi.weight_bytes + kept, CPU) == 1
        assert not phi.recompute()
    with phi.frozen(CPU), pytest.raises(ValueError, match=r"needs .* MB .* more than 0 MB"):
        fit(phi, SIZE, 1, 1000, CPU)


def test_a_limit_of_memory_changes_no_image() -> None:
    layers = Layers([Layer(deep(), "11", COLOR)])
    photos = [random_photo(3, seed).transpose(1, 2, 0) for seed in (0, 1, 2)]
    settings = NNPREIMAGE.with_steps(3).replace(final_iterations=2)
    plain = invert(layers, photos, settings=settings)
    within = invert(layers, photos, settings=settings, memory=layers.weight_bytes + 3 * 2**20)
    assert torch.equal(plain.images, within.images)
    assert torch.equal(plain.trace.total, within.trace.total)


def test_diverse_images_are_computed_together_or_not_at_all() -> None:
    phi = Layer(deep(), "3", COLOR)
    options: Any = {"seeds": range(6), "size": 64, "maxima": [1.0], "diversity": 1.0}
    short = MODERN.with_steps(1)
    enough = phi.weight_bytes + 2**27
    assert len(maximize(phi, [0], settings=short, memory=enough, **options)) == 6
    little = phi.weight_bytes + 9 * 2**20
    with pytest.raises(ValueError, match="diverse images are computed together"):
        maximize(phi, [0], settings=short, memory=little, **options)


def test_images_of_classical_codes_computed_in_parts_are_the_same_bits() -> None:
    photos = [random_photo(1, seed)[0] for seed in range(7)]
    plain = invert(HOG(), photos)
    within = invert(HOG(), photos, memory=4_000_000)
    assert torch.equal(plain.images, within.images)
