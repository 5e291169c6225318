"""The axis of channels as modules declare it."""

from __future__ import annotations

import pytest
from torch import nn

from preimage.representations.declared_axes import is_first_by_kind, is_last_by_kind


class MapNorm(nn.LayerNorm):
    """A normalization of maps (N, K, H, W), as torchvision and timm derive it."""


@pytest.mark.parametrize(
    ("module", "is_first", "is_last"),
    [
        (nn.Conv2d(3, 4, 3), True, False),
        (nn.TransformerEncoderLayer(8, 2), False, True),
        (nn.LayerNorm(8), False, True),
        (nn.LayerNorm((8, 4, 4)), False, False),
        (MapNorm(8), False, False),
        (nn.Linear(3, 4), False, False),
        (None, False, False),
    ],
)
def test_the_kind_of_a_module_tells_where_its_channels_are(
    module: nn.Module | None, is_first: bool, is_last: bool
) -> None:
    assert (is_first_by_kind(module), is_last_by_kind(module)) == (is_first, is_last)
