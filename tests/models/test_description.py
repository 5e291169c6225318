"""What users say about networks of their own."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from preimage.models.description import described
from preimage.models.errors import ModelError

NETWORK = nn.Conv2d(3, 4, 3)


def test_without_a_word_photos_are_those_of_imagenet() -> None:
    found = described("import:x.y", NETWORK, {})
    assert found.preprocessing.mean == (123.675, 116.28, 103.53)
    assert (found.preprocessing.size, found.classes, found.inputs) == ((224, 224), (), {})


def test_further_inputs_are_kept_by_keyword() -> None:
    inputs = {"prompt": torch.ones(1, 4), "scale": 2.0}
    assert described("import:x.y", NETWORK, {"inputs": inputs}).inputs == inputs


@pytest.mark.parametrize("axis", [-1, {"0": 1, "output": 3}])
def test_the_layer_of_the_scores_and_the_axes_of_channels_are_kept(axis: object) -> None:
    chain = nn.Sequential(NETWORK)
    found = described("import:x.y", chain, {"scores": "0", "channel_axis": axis})
    assert (found.scores, found.channel_axis) == ("0", axis)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"men": 0}, "unknown setting of import:x.y 'men': did you mean 'mean'"),
        ({"inputs": 3}, "import:x.y: inputs must be a dict of keyword arguments, not int"),
        ({"inputs": {1: 2}}, "import:x.y: inputs must be a dict of keyword arguments"),
        ({"scores": 3}, "import:x.y: scores must be the name of a layer, not int"),
        ({"channel_axis": "1"}, "import:x.y: channel_axis must be a whole number, or a dict of"),
        ({"channel_axis": True}, "import:x.y: channel_axis must be a whole number, or a dict of"),
        ({"channel_axis": {"output": None}}, "by the names of layers, not {'output': None}"),
        ({"size": 32}, "'int' object is not iterable"),
    ],
)
def test_what_makes_no_sense_is_one_clear_line(given: dict[str, object], reason: str) -> None:
    with pytest.raises(ModelError) as caught:
        described("import:x.y", NETWORK, given)
    assert reason in str(caught.value)
