"""The layers that a forward pass reaches, which can be chosen."""

from __future__ import annotations

import torch
from tests.representations.networks import resnet, state

from preimage.representations.reached import choices, reached


def test_layers_to_choose_are_called_and_tuples_are_there_by_their_items() -> None:
    model = resnet().eval()
    before = state(model)
    outputs = reached(model, lambda: model(torch.zeros(1, 3, 32, 32)))
    assert state(model) == before
    names = choices(outputs)
    assert "unused" not in names
    assert names[:3] == ["stem", "stem.0", "stem.1"]
    assert names[-4:] == ["pair[0]", "pair[1]", "pair.inside", "head"]
