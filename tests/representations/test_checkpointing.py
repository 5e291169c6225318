"""Recomputed activations: the same bits in less memory, and where a network is cut."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.representations.networks import (
    COLOR,
    Tokens,
    deep,
    evaluation,
    nested,
    resnet,
    state,
)
from torch import nn

from preimage.representations.checkpointing import checkpoint_
from preimage.representations.execution import Execution
from preimage.representations.layer import Layer
from preimage.representations.memory import peak_bytes

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("model", "layer"),
    [(deep, "15"), (deep, "17"), (nested, "0.2"), (nested, "1"), (resnet, "body.1"),
     (resnet, "body.2.bn"), (Tokens, "blocks.2"), (Tokens, "blocks.3.linear1")],
)  # fmt: skip
@pytest.mark.parametrize("accelerate", ["auto", "plain"])
def test_recomputed_activations_give_the_same_bits(model: Any, layer: str, accelerate: str) -> None:
    torch.manual_seed(0)
    network = model()
    before = state(network)
    phi = Layer(network, layer, COLOR)
    with phi.session(CPU, Execution(accelerate)) as session:
        kept = evaluation(phi)
        assert session.recompute()
        assert not session.recompute()
        recomputed = evaluation(phi)
    assert torch.equal(kept[0], recomputed[0])
    assert torch.equal(kept[1], recomputed[1])
    assert state(network) == before


@pytest.mark.parametrize(("model", "layer"), [(deep, "17"), (nested, "2"), (Tokens, "blocks.3")])
def test_recomputed_activations_take_less_memory(model: Any, layer: str) -> None:
    phi = Layer(model(), layer, COLOR)
    with phi.session(CPU) as session:
        evaluation(phi)
        kept = peak_bytes(lambda: evaluation(phi), CPU)
        session.recompute()
        evaluation(phi)
        assert peak_bytes(lambda: evaluation(phi), CPU) < 0.75 * kept


def test_no_layer_that_is_asked_for_disappears_inside_a_segment() -> None:
    chain = nn.Sequential(*[nn.Conv2d(3, 3, 1) for _ in range(9)])
    checkpoint_(chain, ["1", "7"])
    segments = [index for index, child in enumerate(chain) if not isinstance(child, nn.Identity)]
    assert segments == [1, 4, 7, 8]
    x = torch.rand(1, 3, 4, 4, requires_grad=True)
    assert chain(x).shape == x.shape
