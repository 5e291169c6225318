"""The grid of tokens and the tokens before it, of transformers of every library."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.representations.transformers import Encoder
from torch import nn

from preimage.representations.tokens import patch_grids, prefix_tokens, token_grid

REGISTERS = ("cls", "register 1", "register 2", "register 3", "register 4")


@pytest.mark.parametrize(
    ("count", "size", "prefix", "grids", "expected"),
    [
        (33, (64, 128), ("cls",), [(4, 8)], ((4, 8), ("cls",))),
        (33, (128, 64), (), [], ((1, 33), ())),
        (197, (224, 224), ("cls",), [(14, 14)], ((14, 14), ("cls",))),
        (201, (224, 224), REGISTERS, [(14, 14)], ((14, 14), REGISTERS)),
        (196, (224, 224), ("cls",), [(14, 14)], ((14, 14), ())),  # before the class token comes
        (49, (224, 224), ("cls",), [(14, 14)], ((7, 7), ())),  # patches merged
        (81, (64, 64), (), [(8, 8)], ((8, 8), tuple(f"prefix {n}" for n in range(1, 18)))),
        (1, (64, 64), ("cls",), [(4, 4)], ((1, 1), ())),
        (7, (64, 64), (), [], ((1, 7), ())),
        (17, (32, 32), (), [(8, 8)], ((1, 17), ())),
    ],
)
def test_a_grid_has_the_proportions_of_the_image(
    count: int,
    size: tuple[int, int],
    prefix: tuple[str, ...],
    grids: list[tuple[int, int]],
    expected: object,
) -> None:
    assert token_grid(count, size, prefix, grids) == expected


@pytest.mark.parametrize(
    ("count_at", "expected"),
    [
        (lambda h, w: 1 + h // 16 * (w // 16), ((8, 4), ("prefix 1",))),
        (lambda h, w: h // 8 * (w // 8) // 4 + 3, ((8, 4), ("prefix 1", "prefix 2", "prefix 3"))),
        (lambda h, w: h // 16 * (w // 16), ((8, 4), ())),
        (lambda h, w: w // 4, ((1, 16), ())),
        (lambda h, w: h // 4, ((32, 1), ())),
        (lambda h, w: 17, ((1, 17), ())),
        (lambda h, w: 32, ((1, 32), ())),
        (lambda h, w: 8 if h == 2 * w else None, ((1, 8), ())),
        (lambda h, w: 8 * (w // 64) ** 2 if h == 2 * w else None, ((4, 2), ())),
    ],
)
def test_tokens_of_images_of_other_sizes_tell_the_grid(
    count_at: Callable[[int, int], int | None], expected: object
) -> None:
    count = count_at(128, 64)
    assert count is not None
    assert token_grid(count, (128, 64), (), [], lambda size: count_at(*size)) == expected


def test_tokens_are_named_by_the_parameters_of_the_tower_that_the_layer_is_in() -> None:
    both = nn.ModuleDict({"one": Encoder(registers=4), "two": Encoder(tokens=2)})
    assert prefix_tokens(both, "one.encoder.layers.0") == REGISTERS
    assert prefix_tokens(both["two"], "encoder") == ("cls 1", "cls 2")
    assert prefix_tokens(nn.Linear(2, 2), "") == ()


@pytest.mark.parametrize(
    ("name", "size", "layer", "expected"),
    [
        ("vit_tiny_patch16_224", (64, 128), "blocks.1", ((4, 8), ("cls",))),
        ("deit_tiny_distilled_patch16_224", (64, 64), "blocks.1", ((4, 4), ("cls", "dist"))),
        ("vit_small_patch14_reg4_dinov2", (56, 84), "blocks.1", ((4, 6), REGISTERS)),
        ("mixer_s32_224", (96, 64), "blocks.1", ((3, 2), ())),
    ],
)
def test_networks_of_timm_tell_their_grid(
    name: str, size: tuple[int, int], layer: str, expected: tuple[tuple[int, int], tuple[str, ...]]
) -> None:
    timm = pytest.importorskip("timm", exc_type=ImportError)
    with torch.device("meta"):
        model = timm.create_model(name, img_size=size)
    (rows, columns), prefix = expected
    grids = patch_grids(model, size)
    assert grids == [(rows, columns)]
    assert prefix_tokens(model, layer) == prefix
    assert token_grid(rows * columns + len(prefix), size, prefix, grids) == expected


def test_a_vision_transformer_of_torchvision_tells_its_grid() -> None:
    torchvision = pytest.importorskip("torchvision", exc_type=ImportError)
    model = torchvision.models.VisionTransformer(64, 16, 1, 2, 32, 64, num_classes=5)
    assert prefix_tokens(model, "encoder.layers") == ("cls",)
    assert patch_grids(model, (64, 64)) == [(4, 4)]


def test_a_transformer_of_transformers_tells_its_grid() -> None:
    transformers = pytest.importorskip("transformers", exc_type=ImportError)
    config = transformers.Dinov2WithRegistersConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=56, patch_size=14
    )
    model = transformers.Dinov2WithRegistersModel(config)
    assert prefix_tokens(model, "encoder.layer.0") == REGISTERS
    assert patch_grids(model, (56, 84)) == [(4, 6)]
