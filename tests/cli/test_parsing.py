"""Values of the texts of options."""

from __future__ import annotations

import pytest

from preimage.cli.parsing import find_preset, parse_size
from preimage.presets import NNPREIMAGE


@pytest.mark.parametrize(
    ("text", "size"), [("320", 320), ("240x320", (240, 320)), ("24X32", (24, 32)), (None, None)]
)
def test_a_size_is_a_longer_side_or_height_and_width(
    text: str | None, size: int | tuple[int, int] | None
) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "-3", "3.5", "axb", "3x", "x3", "1x2x3", "0x5", "²"])
def test_anything_else_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="size must be like 320 or 240x320"):
        parse_size(text)


def test_a_preset_is_changed_by_steps_strength_and_prior() -> None:
    assert find_preset(None, None) == NNPREIMAGE
    changed = NNPREIMAGE.replace(iterations=5, strength=2, prior="opponent-tv")
    assert find_preset("nnpreimage", 5, 2, "opponent-tv") == changed
