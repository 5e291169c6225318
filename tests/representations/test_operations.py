"""Operations of a module's own code: which they are, and that watching leaves no trace."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.representations.networks import Residual, state
from torch import Tensor, nn
from torch.nn import functional

from preimage.representations.operations import Operations


class Busy(nn.Module):
    """Does one operation of many kinds, and some that are no layers."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = nn.Sequential(nn.ReLU(), Residual(3))

    def forward(self, x: Tensor) -> Tensor:
        y = functional.max_pool2d(self.inside(x), x.shape[-1] // 8)
        y += 1 - y / 2
        y = functional.relu_(2 / y) @ y.transpose(2, 3)
        assert y.requires_grad or y.ndim == 4
        return torch.cat([part[:, :1] for part in y.chunk(2, 1)], 1).flatten(1)


def operations(module: nn.Module, watched: nn.Module) -> list[str]:
    names: list[str] = []

    def note(name: str, call: int, output: Any) -> None:
        names.append(name if call == 1 else f"{call}:{name}")

    with Operations(watched, note):
        module(torch.rand(1, 3, 16, 16))
    return names


def test_operations_have_the_names_of_torch_and_are_counted() -> None:
    assert operations(busy := Busy().eval(), busy) == [
        "max_pool2d", "div", "sub", "add", "div_1", "relu", "transpose", "matmul", "chunk",
        "getitem", "getitem_1", "cat", "flatten",
    ]  # fmt: skip
    assert operations(busy, busy.inside[1]) == ["add"]
    assert operations(busy, busy.inside) == []


class Mixed(nn.Module):
    """A submodule and functions of one name."""

    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.relu(self.relu(x) - 1) - 1) - 1
        return functional.relu(x)


def test_beside_a_submodule_of_their_name_operations_are_numbered_as_in_torch_fx() -> None:
    found = operations(mixed := Mixed(), mixed)
    graph = torch.fx.symbolic_trace(mixed).graph
    expected = [node.name for node in graph.nodes if node.op == "call_function"]
    assert found == expected == ["sub", "sub_1", "relu_2", "sub_2", "relu_3"]


def test_each_call_of_a_module_counts_anew() -> None:
    block = Residual(3).eval()
    assert operations(nn.Sequential(block, nn.Tanh(), block), block) == ["add", "2:add"]


def test_watching_leaves_no_hook_also_after_an_error() -> None:
    busy = Busy().eval()
    before = state(busy)

    def fail(name: str, call: int, output: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), Operations(busy, fail):
        busy(torch.rand(1, 3, 16, 16))
    assert state(busy) == before
