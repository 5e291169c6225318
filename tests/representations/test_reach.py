"""The last map before a layer, and the hooks that find it."""

from __future__ import annotations

import pytest
import torch
from tests.representations.networks import COLOR, resnet, state
from torch import nn

from preimage.preprocessing import Preprocessing
from preimage.representations.layer import Layer
from preimage.representations.reach import last_map

X = torch.zeros(1, 3, 32, 32)


def test_of_nested_modules_that_return_the_same_map_it_is_the_outermost() -> None:
    model = resnet().eval()
    trunk = nn.Sequential(model.stem, model.body, nn.Flatten())
    assert last_map(trunk, lambda: trunk(X)) == "1"


def test_a_network_without_a_map_has_none_and_hooks_are_removed_after_an_error() -> None:
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 2))
    assert last_map(flat, lambda: flat(X)) is None
    before = state(flat)
    with pytest.raises(RuntimeError):
        last_map(flat, lambda: flat(torch.zeros(1, 3, 8, 8)))
    assert state(flat) == before


def test_scores_reach_as_far_as_the_last_map_and_without_a_map_over_the_image() -> None:
    model = resnet()
    head, body = Layer(model, "head", COLOR), Layer(model, "body", COLOR)
    assert head.receptive_field is None
    assert body.receptive_field is not None
    assert head.reach == body.reach == body.receptive_field.size
    size = Preprocessing(mean=(127.5,) * 3, size=(16, 12))
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 12, 2))
    assert Layer(flat, "1", size).reach == 16


def test_the_reach_inside_a_session_which_runs_a_copy_is_the_same() -> None:
    model = resnet()
    head = Layer(model, "head", COLOR)
    with head.session(torch.device("cpu")):
        head(X)
        assert head.reach == Layer(model, "head", COLOR).reach == 39
