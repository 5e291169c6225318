from __future__ import annotations

import torch
from tests.checking import faults
from torch import nn

from preimage.checking.subject import Subject
from preimage.checking.units import find_units
from preimage.preprocessing import Preprocessing


def trained(preprocessing: Preprocessing) -> nn.Module:
    """Return a network whose batch normalization has seen photos of this preprocessing."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, momentum=None), nn.ReLU())
    network.train()
    photos = Subject(faults.layer(network, "2", preprocessing), (24, 24)).photos
    network(preprocessing.to_network(photos))
    return network.eval()


def test_the_units_of_training_are_recognized() -> None:
    network = trained(faults.COLOR)
    assert find_units(Subject(faults.layer(network, "2"), (24, 24))).verdict == "yes"


def test_another_scale_is_found() -> None:
    network = trained(faults.COLOR)
    wrong = Preprocessing(mean=(127.5,) * 3, std=(1.0,) * 3, size=(24, 24))
    found = find_units(Subject(faults.layer(network, "2", wrong), (24, 24)))
    assert found.verdict == "no"
    assert "64 times the deviation" in found.finding


def test_nothing_is_said_of_a_network_that_was_not_trained() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    found = find_units(Subject(faults.layer(network, "1"), (24, 24)))
    assert found.verdict == "-"
    assert found.finding.startswith("photos give it -1.99 to 1.99")
