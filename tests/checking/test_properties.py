from __future__ import annotations

import math

import pytest
import torch
from tests.checking import faults
from torch import nn

from preimage.checking import check, properties
from preimage.checking.subject import Subject


def subject(network: nn.Module, name: str) -> Subject:
    return Subject(faults.layer(network, name), (24, 24))


def test_nan_in_the_weights_is_named_with_its_parameter() -> None:
    network = faults.built(faults.Fault)
    with torch.no_grad():
        network.get_parameter("conv.bias")[1] = math.nan
    found = properties.weights_are_finite(subject(network, "relu"))
    assert found.verdict == "no"
    assert found.finding == "NaN or infinity in conv.bias"


def test_a_code_with_nan_does_not_count_as_running() -> None:
    class Root(faults.Fault):
        def spoil(self, x: torch.Tensor) -> torch.Tensor:
            return x.sqrt()

    found = properties.runs(subject(faults.built(Root), "relu"))
    assert found.verdict == "no"
    assert "NaN or infinite" in found.finding


def test_probabilities_are_recognized() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 24 * 24, 5), nn.Softmax(1))
    assert properties.saturation(subject(network, "2")).verdict == "partly"
    assert properties.saturation(subject(network, "1")).verdict == "yes"


def test_a_rectifier_that_is_never_on_is_saturated() -> None:
    network = faults.built(faults.Fault)
    with torch.no_grad():
        network.get_parameter("conv.bias").fill_(-1e3)
    found = properties.saturation(subject(network, "relu"))
    assert found.verdict == "no"
    assert found.finding == "all responses are 0"


def test_dead_and_sleeping_channels_are_told_apart() -> None:
    network = faults.built(faults.Fault)
    with torch.no_grad():
        weight, bias = network.get_parameter("conv.weight"), network.get_parameter("conv.bias")
        bias[1] = -1e3  # below every image
        weight[2] = 0
        weight[2, :, 1, 1] = 1
        bias[2] = -2.5  # above the noise of the start, below some photos
    dead, asleep = properties.responds(subject(network, "relu"))
    assert dead.verdict == "partly"
    assert dead.finding.endswith(": 1")
    assert asleep.finding.endswith(": 2")


def test_memory_counts_weights_and_one_image() -> None:
    report = check(faults.layer(faults.built(faults.Fault)))
    assert report["memory"].verdict == "-"
    assert "MB for one image" in report["memory"].finding


@pytest.mark.parametrize("size", [3, 7])
def test_the_receptive_field_is_that_of_the_layer(size: int) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, size, stride=2))
    found = properties.receptive_field(subject(network, "0"))
    assert found.finding == f"{size} x {size} pixels, one every 2"


class Last(nn.Module):
    """A patch embedding whose maps have the channels last."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.out = nn.Conv2d(3, 5, 4, 4), nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.out(self.patches(x).permute(0, 2, 3, 1))
        return result


def test_the_axis_of_the_channels_is_that_of_the_network() -> None:
    phi = Subject(faults.layer(Last(), "out"), (16, 24))
    channels, grid = properties.channels_and_grid(phi)
    assert channels.finding == "5 channels, axis 3 of the output"
    assert grid.finding == "4 x 6 positions"
