"""Results of maximization and caricature in words and pictures."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from preimage.reporting.excitations import above_maximum, draw_rows, enlarge, plain_path


def test_a_target_counts_as_above_m_if_one_of_its_seeds_is() -> None:
    lines = [
        {"target": target, "response": activation, "maximum": 2.0, "reference": "9 photos"}
        for target, activation in (("0", 1.0), ("0", 3.0), ("1", 2.0), ("2", -1.0))
    ]
    assert above_maximum(lines) == "1 of 3 live targets above the maximum M over 9 photos"


def test_small_pictures_are_enlarged_by_whole_numbers() -> None:
    assert enlarge(Image.new("RGB", (20, 30))).size == (80, 120)
    assert enlarge(Image.new("RGB", (200, 30))).size == (200, 30)


def test_rows_may_differ_in_length() -> None:
    picture = Image.new("RGB", (120, 120), "red")
    drawn = draw_rows([[(picture, "a")], [(picture, "b"), (picture, "c")]])
    assert drawn.width > 240
    assert drawn.getpixel((60, 60)) == (255, 0, 0)
    assert drawn.getpixel((200, 60)) == (255, 255, 255)


def test_the_plain_picture_lies_beside_the_other() -> None:
    assert plain_path(Path("a/b.seed1.png")) == Path("a/b.seed1.plain.png")
