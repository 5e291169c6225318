"""A judge must not be the network that is audited, by whatever name."""

from __future__ import annotations

import copy

import pytest
import torch
from tests.audit.planted import judge
from torch import nn

from preimage.audit.independence import check_independent
from preimage.networks import Network
from preimage.preprocessing import Preprocessing

PREPROCESSING = Preprocessing(mean=(127.5,) * 3)


def _network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(32, 2))


def test_the_audited_network_is_refused_by_whatever_name() -> None:
    network = _network()
    renamed = nn.Sequential(nn.Sequential(*copy.deepcopy(list(network))), nn.Identity())
    with pytest.raises(ValueError, match=r"other is no independent judge: 100% of its weights"):
        check_independent([judge(), Network(renamed, PREPROCESSING, "other")], network)


def test_another_last_layer_does_not_make_it_independent() -> None:
    network, other = _network(), _network()
    other[0] = network[0]
    with pytest.raises(ValueError, match=r"77% of its weights are those of the audited network"):
        check_independent([Network(other, PREPROCESSING, "other")], network)


def test_other_weights_of_the_same_architecture_are_independent() -> None:
    torch.manual_seed(0)
    check_independent([Network(_network(), PREPROCESSING, "other")], _network())
    check_independent([judge()], None)
