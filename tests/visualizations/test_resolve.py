"""From what a user gives to a representation and its targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from tests.visualizations.networks import color_network
from torch import Tensor, nn

from preimage.preprocessing import GRAY
from preimage.representations.layer import Layer
from preimage.targets import Target, channel, class_score
from preimage.visualizations.resolve import resolve

NETWORK = color_network()
FEATURES = NETWORK.layer("features")
SEVERAL = NETWORK.several(["features", "act"])


@pytest.mark.parametrize("targets", [3, [3], channel(None, 3), [channel(None, 3)]])
def test_a_number_is_a_channel_of_the_representation(targets: Any) -> None:
    representation, (target,) = resolve(FEATURES, targets)
    assert representation is FEATURES
    assert target.terms == channel(None, 3).terms or str(target) == "3"


def test_a_text_is_a_class_of_the_network_and_becomes_a_channel_of_its_scores() -> None:
    representation, targets = resolve(NETWORK, ["rouge", class_score(2)])
    assert representation.name == "colors/score"
    assert [target.terms[0].feature for target in targets] == [0, 2]
    assert [str(target) for target in targets] == ["rouge", "2"]


def test_targets_of_several_layers_are_computed_together() -> None:
    target = channel("features", 0) - channel("act", 2)
    representation, targets = resolve(NETWORK, target)
    assert list(representation.layers) == ["features", "act"]
    assert targets == [target] or str(targets[0]) == str(target)
    assert resolve(SEVERAL, target)[0] is SEVERAL


@pytest.mark.parametrize(
    ("model", "targets", "message"),
    [
        (FEATURES, [], "no target was given"),
        (FEATURES, ["red"], "classes need a network"),
        (FEATURES, [channel("act", 0)], "name no layer in the target"),
        (SEVERAL, ["red"], "classes need a network"),
        (SEVERAL, 3, "the layers are features, act: name one of them in each target"),
        (SEVERAL, [channel("score", 0)], "the layers are features, act: name one of them"),
        (NETWORK, 3, "must name its layers"),
        (NETWORK, "violet", "unknown class 'violet'"),
    ],
)
def test_a_target_that_is_not_of_the_model_is_refused(
    model: Any, targets: int | str | Sequence[int | str | Target], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        resolve(model, targets)


def test_what_is_no_model_is_named() -> None:
    model: Any = NETWORK.module
    with pytest.raises(TypeError, match=r"a representation or a network.*not a Sequential"):
        resolve(model, 3)


@pytest.mark.parametrize("target", [nn.ReLU(), nn.ReLU, 1.5, None, object()])
def test_what_is_no_target_is_told_what_one_is(target: Any) -> None:
    layer = Layer(nn.Sequential(nn.Conv2d(1, 4, 3)), "0", GRAY)
    for given in (target, [target]):
        with pytest.raises(TypeError, match="a target must be the number of a channel, the name"):
            resolve(layer, given)


def test_numbers_of_numpy_are_channels_and_truth_values_are_none() -> None:
    layer = Layer(nn.Sequential(nn.Conv2d(1, 4, 3)), "0", GRAY)
    for given in (np.int64(2), np.array([2]), [np.uint8(2)], torch.tensor([2])):
        (target,) = resolve(layer, given)[1]  # type: ignore[arg-type]
        assert str(target) == "2"
    with pytest.raises(ValueError, match="a channel must be a whole number, not True"):
        resolve(layer, True)


def test_a_tensor_or_array_of_no_axes_is_one_target() -> None:
    layer = color_network().layer("features")
    for number in (torch.tensor(1), np.array(1), np.int64(1)):
        _, (target,) = resolve(layer, number)  # type: ignore[arg-type]
        assert str(target) == "1"


def test_functions_are_targets_of_layers_alone() -> None:
    layer = NETWORK.layer("features")

    def sharpness(code: Tensor) -> Tensor:
        return code.mean((1, 2, 3))

    found, (target,) = resolve(layer, sharpness)
    assert (found, str(target)) == (layer, "sharpness")
    assert [str(one) for one in resolve(layer, [sharpness, lambda code: code[0]])[1]] == [
        "sharpness",
        "lambda",
    ]
    with pytest.raises(ValueError, match="functions sharpness stand beside other targets: give"):
        resolve(layer, [sharpness, 3])
    with pytest.raises(ValueError, match=r"sharpness needs the layers .*: give network\.layer"):
        resolve(NETWORK, sharpness)
