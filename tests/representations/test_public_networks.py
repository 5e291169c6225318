"""Layers of networks that other libraries bring, with random weights."""

from __future__ import annotations

import pytest

from preimage.catalog import network
from preimage.networks import Network
from preimage.photo_files import shipped_photos
from preimage.presets import NNPREIMAGE
from preimage.visualizations import invert

CHELSEA = shipped_photos()["chelsea"]


def load(name: str) -> Network:
    """With random weights; skipped where the library cannot be imported."""
    pytest.importorskip(name.split(":", maxsplit=1)[0], exc_type=ImportError)
    return network(name, weights="random")


def test_a_layer_of_a_residual_network_inverts() -> None:
    """The error falls below half of its start in the 300 steps with jitter, on a small image.

    C = 300, more than a trained network's layer of this stride needs: to random weights all
    images of one amplitude look alike, so that noise starts with an error of only 15 % and
    at C = 20 the prior outweighs what is left of the loss (8.8 % in the end; 3.5 % here).
    """
    phi = load("torchvision:resnet50").layer("layer3")
    result = invert(phi, CHELSEA, size=(64, 64), loss_weights=300, settings=NNPREIMAGE)
    error = result.trace.loss[:, 0].sqrt()
    assert error[299] < 0.5 * error[0]
    assert result.error.item() < 0.3 * error[0]
    fast = invert(phi, CHELSEA, size=(64, 64), loss_weights=300)
    assert len(fast.trace.total) < 300
    assert fast.error.item() < result.error.item()


def test_a_block_of_a_vision_transformer_inverts() -> None:
    """The error falls below half of its start at its own C, in 60 steps of 300 to save time."""
    phi = load("timm:vit_small_patch16_224").layer("blocks.6")
    short = NNPREIMAGE.replace(loss_weight=20, iterations=50, final_iterations=10)
    result = invert(phi, CHELSEA, settings=short)
    assert phi.loss_weight == 20
    assert result.error.item() < 0.5 * result.trace.loss[0, 0].sqrt()


def test_the_tokens_of_a_vision_transformer_are_a_code() -> None:
    phi = load("timm:vit_small_patch16_224").layer("blocks.6")
    assert phi.code_shape(224, 224) == (197, 384)
    assert (phi.stride, phi.default_jitter, phi.receptive_field) == (16, 4, None)
    with pytest.raises(ValueError, match="does not take color images of 96 x 96 pixels"):
        phi.code_shape(96, 96)


def test_the_receptive_field_of_a_resnet_is_what_its_kernels_give() -> None:
    phi = load("torchvision:resnet18").layer("layer1.0")
    assert phi.receptive_field is not None
    assert (phi.receptive_field.size, phi.receptive_field.stride) == (27, 4)
