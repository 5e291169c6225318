"""Chains of layers as plain data."""

from __future__ import annotations

import subprocess
import sys

from preimage.models.architecture import Convolution, Pooling, Softmax


def test_layers_of_equal_fields_are_equal_and_know_their_kind() -> None:
    one, other = (Convolution("conv1", (3, 3), channels) for channels in (8, 9))
    assert one == Convolution("conv1", (3, 3), 8, stride=(1, 1), groups=1)
    assert one != other
    assert [layer.kind for layer in (one, Pooling("pool1", (2, 2)), Softmax("prob"))] == [
        "conv", "pool", "softmax",
    ]  # fmt: skip


def test_networks_as_data_need_no_torch() -> None:
    code = "import sys, preimage.models.zoo; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
