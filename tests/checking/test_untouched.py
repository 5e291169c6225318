from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from preimage.checking.untouched import Fingerprint


def _grow(network: nn.Module) -> None:
    with torch.no_grad():
        network.get_parameter("0.weight")[0] += 0.5


CHANGES: dict[str, Callable[[nn.Module], object]] = {
    "modes (0)": lambda n: n.get_submodule("0").train(),
    "hooks (1)": lambda n: n.get_submodule("1").register_forward_hook(lambda *of: None),
    "parameters (0.weight)": _grow,
    "requires_grad (0.weight)": lambda n: n.get_parameter("0.weight").requires_grad_(False),
    "gradients (0.bias)": lambda n: setattr(n.get_parameter("0.bias"), "grad", torch.zeros(2)),
    "buffers (1.running_mean)": lambda n: n.get_buffer("1.running_mean").fill_(3),
}


@pytest.mark.parametrize("expected", CHANGES)
def test_every_change_is_named(expected: str) -> None:
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).eval()
    before = Fingerprint.take(network)
    assert before.changed(Fingerprint.take(network)) == []
    CHANGES[expected](network)
    assert before.changed(Fingerprint.take(network)) == [expected]


def test_swapped_values_are_a_change() -> None:
    network = nn.Linear(2, 1, bias=False)
    before = Fingerprint.take(network)
    with torch.no_grad():
        network.weight.copy_(network.weight.flip(1))
    assert before.changed(Fingerprint.take(network)) == ["parameters (weight)"]
