"""Networks as their sources return them."""

from __future__ import annotations

from torch import nn

from preimage.models.loaded import Loaded, times_255
from preimage.preprocessing import GRAY


def test_a_loaded_network_is_frozen_and_in_evaluation_mode() -> None:
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    Loaded(module, GRAY)
    assert not any(part.training for part in module.modules())
    assert not any(weights.requires_grad for weights in module.parameters())


def test_means_of_images_in_0_to_1_become_those_of_0_to_255() -> None:
    assert times_255([0.5, 1]) == (127.5, 255.0)
