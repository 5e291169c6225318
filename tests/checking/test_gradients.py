from __future__ import annotations

import torch
from tests.checking import faults
from torch import nn

from preimage.checking.gradients import gradient_error, in_float64
from preimage.checking.subject import Subject


def test_the_error_of_a_deep_rectified_network_is_that_of_float32() -> None:
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for inputs, outputs in ((3, 8), (8, 8), (8, 8), (8, 8)):
        layers += [nn.Conv2d(inputs, outputs, 3), nn.ReLU()]
    phi = faults.layer(nn.Sequential(*layers), "7")
    error, words = gradient_error(Subject(phi, (24, 24)), in_float64(phi))
    assert error < 1e-3
    assert "finite differences" in words


def test_the_copy_in_float64_leaves_the_network_alone() -> None:
    phi = faults.layer(faults.built(faults.Fault))
    exact = in_float64(phi)
    assert exact is not None
    assert next(phi.model.parameters()).dtype == torch.float32
    assert exact(torch.zeros(1, 3, 24, 24, dtype=torch.float64)).dtype == torch.float64


def test_a_network_of_float32_alone_is_compared_with_itself() -> None:
    class Single(faults.Fault):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if x.dtype != torch.float32:
                raise TypeError("float32 only")
            return super().forward(x)

    phi = faults.layer(faults.built(Single))
    error, words = gradient_error(Subject(phi, (24, 24)), None)
    assert error < 0.05
    assert words.endswith("(in float32)")
