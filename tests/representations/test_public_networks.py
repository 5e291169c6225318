"""Layers of networks that other libraries bring, with random weights."""

from __future__ import annotations

import pytest

from preimage.catalog import Network, network
from preimage.photo_files import shipped_photos
from preimage.settings import NNPREIMAGE
from preimage.visualizations import invert

CHELSEA = shipped_photos()["chelsea"]


def load(name: str) -> Network:
    """With random weights; skipped where the library cannot be imported."""
    pytest.importorskip(name.split(":", maxsplit=1)[0], exc_type=ImportError)
    return network(name, weights="random")


@pytest.mark.parametrize(
    ("name", "layer", "size"),
    [
        ("torchvision:resnet50", "layer2", (64, 64)),
        ("timm:vit_small_patch16_224", "blocks.2", (224, 224)),
    ],
)
def test_the_error_falls_below_half_of_its_start(
    name: str, layer: str, size: tuple[int, int]
) -> None:
    """In 60 of the 300 iterations, and on a small image where the network takes one."""
    phi = load(name).layer(layer)
    result = invert(
        phi, CHELSEA, size=size, settings=NNPREIMAGE.replace(iterations=50, final_iterations=10)
    )
    start = result.trace.loss[0, 0].sqrt()
    assert result.error.item() < 0.5 * start


def test_the_tokens_of_a_vision_transformer_are_a_code() -> None:
    phi = load("timm:vit_small_patch16_224").layer("blocks.6")
    assert phi.code_shape(224, 224) == (197, 384)
    assert (phi.stride, phi.default_jitter, phi.receptive_field) == (16, 4, None)
    with pytest.raises(ValueError, match="does not take images of 96 x 96 pixels"):
        phi.code_shape(96, 96)


def test_the_receptive_field_of_a_resnet_is_what_its_kernels_give() -> None:
    phi = load("torchvision:resnet18").layer("layer1.0")
    assert phi.receptive_field is not None
    assert (phi.receptive_field.size, phi.receptive_field.stride) == (27, 4)
