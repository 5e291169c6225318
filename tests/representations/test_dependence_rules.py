"""The operations that have a rule."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from preimage.representations.dependence_rules import rule_of

ATEN = torch.ops.aten


@pytest.mark.parametrize(
    "operation",
    [
        ATEN.add.Tensor,
        ATEN.relu_.default,
        ATEN.hardswish_.default,
        ATEN.convolution.default,
        ATEN._scaled_dot_product_flash_attention_for_cpu.default,
        ATEN.max.dim,
        ATEN.copy_.default,
    ],
)
def test_an_operation_of_a_common_network_has_a_rule(operation: object) -> None:
    assert rule_of(operation) is not None


def test_what_has_no_rule_is_not_guessed() -> None:
    assert rule_of(ATEN.sort.default) is None
    assert rule_of(ATEN.grid_sampler_2d.default) is None
    assert rule_of(torch.ops.quantized.linear_dynamic.default) is None


def test_no_rule_is_for_an_operation_that_does_not_exist() -> None:
    from preimage.representations import dependence_rules

    assert [name for name in dependence_rules._RULES if not hasattr(ATEN, name)] == []
    assert nn.Module is not None
