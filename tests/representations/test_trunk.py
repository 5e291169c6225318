"""The part of a network that layers share: names, dtypes, sessions and trial runs."""

from __future__ import annotations

import pytest
import torch
from tests.representations.networks import resnet
from tests.support import random_image
from torch import nn

from preimage.representations.execution import AUTO, Execution
from preimage.representations.trunk import Trunk

CPU = torch.device("cpu")


def test_a_layer_that_does_not_exist_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ValueError, match=r"'body\.1'"):
        Trunk(resnet(), ["stem", "bodi.1"])


def test_outputs_have_the_dtype_of_the_images_whatever_that_of_the_network() -> None:
    trunk = Trunk(resnet().double(), ["stem", "head"])
    outputs = trunk(random_image(1, 3, 32, 32).float())
    assert [output.dtype for output in outputs.values()] == [torch.float32] * 2


def test_a_session_inside_another_is_the_outer_one_and_a_device_is_checked_in_each() -> None:
    trunk = Trunk(resnet(), ["stem"])
    with trunk.session(CPU, AUTO) as outer:
        with trunk.session(CPU, Execution("plain")) as inner:
            assert inner is outer
        with pytest.raises(ValueError, match="needs cuda"), trunk.session(CPU, Execution("graph")):
            pass
    with trunk.session(CPU, AUTO) as later:
        assert later is not outer


def test_shapes_come_from_one_trial_run_for_each_size() -> None:
    model, calls = resnet(), []
    model.register_forward_pre_hook(lambda module, inputs: calls.append(inputs[0].shape))
    trunk = Trunk(model, ["stem", "head"])
    for _ in range(2):
        assert trunk.shapes("net", 3, 48, 64) == {"stem": (8, 24, 32), "head": (5,)}
    assert len(calls) == 1
    trunk.shapes("net", 3, 16, 16)
    assert len(calls) == 2


def test_a_size_that_the_network_does_not_take_is_one_line_about_the_name() -> None:
    trunk = Trunk(nn.Sequential(nn.Conv2d(1, 4, 11)), ["0"])
    message = r"^net does not take gray images of 8 x 9 pixels: [^\n]+$"
    with pytest.raises(ValueError, match=message):
        trunk.shapes("net", 1, 8, 9)
