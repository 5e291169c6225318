"""Values of the texts of options."""

from __future__ import annotations

import pytest
import torch

from preimage.cli.parsing import choose_threads, find_preset, parse_size
from preimage.presets import NNPREIMAGE
from preimage.representations import threads
from preimage.representations.hog import HOG


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


def test_threads_are_those_that_are_given_or_the_faster_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threads, "faster_number", lambda evaluate: int(evaluate() is not None))
    with threads.use_threads(2):
        choose_threads(HOG(), None)
        assert torch.get_num_threads() == 1
        choose_threads(HOG(), 2)
        assert torch.get_num_threads() == 2
