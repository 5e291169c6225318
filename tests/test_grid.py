"""Grids of labelled pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from preimage.grid import Cell, draw_box, draw_grid, enlarge
from preimage.representations.receptive_field import Box


def _find(canvas: np.ndarray, color: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Top, left, height and width of the area of this color, which must be full."""
    rows, columns = np.nonzero((canvas == color).all(2))
    top, left = rows.min(), columns.min()
    height, width = rows.max() - top + 1, columns.max() - left + 1
    assert len(rows) == height * width
    return int(top), int(left), int(height), int(width)


def test_every_picture_is_there_in_its_row_and_column() -> None:
    colors = [(200, 10, 10), (10, 200, 10), (10, 10, 200)]
    sizes = [(130, 20), (150, 40), (160, 25)]
    cells = [
        Cell(Image.new("RGB", size, color), "") for size, color in zip(sizes, colors, strict=True)
    ]
    canvas = np.asarray(draw_grid([cells[:2], cells[2:]]))
    (t0, l0, *size0), (t1, l1, *size1), (t2, l2, *size2) = (_find(canvas, c) for c in colors)
    assert [size0, size1, size2] == [[20, 130], [40, 150], [25, 160]]
    assert t0 == t1
    assert t2 > t1 + 40
    assert l1 > l0 + 130
    assert l0 - l2 == (160 - 130) // 2


def test_the_label_stands_below_its_picture() -> None:
    picture = Image.new("L", (120, 40), 255)
    blank = np.asarray(draw_grid([[Cell(picture, "")]]))
    labelled = np.asarray(draw_grid([[Cell(picture, "hog: 36.6 %")]]))
    assert (blank == 255).all()
    rows, columns = np.nonzero((labelled < 128).all(2))
    assert rows.min() > 40
    assert abs((columns.min() + columns.max()) / 2 - labelled.shape[1] / 2) < 3


def test_a_label_wider_than_its_picture_is_shown_whole() -> None:
    picture = Image.new("L", (112, 32), 255)
    label = "dsift, seed 3, C 20: 12.3 %"
    narrow = np.asarray(draw_grid([[Cell(picture, label)]]))
    wide = np.asarray(draw_grid([[Cell(picture.resize((400, 32)), label)]]))
    assert (narrow < 128).all(2).sum() == (wide < 128).all(2).sum()


def test_grids_whose_labels_have_room_for_each_other_are_of_one_size() -> None:
    picture = Image.new("RGB", (120, 120), "red")
    labels = ("short", "a label that is far wider than the picture above it")
    plain = [draw_grid([[Cell(picture, label)]]) for label in labels]
    roomy = [draw_grid([[Cell(picture, label, labels)]]) for label in labels]
    assert plain[0].size != plain[1].size == roomy[0].size == roomy[1].size
    assert np.array_equal(np.asarray(plain[1]), np.asarray(roomy[1]))


def test_small_pictures_are_enlarged_by_whole_numbers() -> None:
    assert enlarge(Image.new("RGB", (20, 30))).size == (80, 120)
    assert enlarge(Image.new("RGB", (200, 30))).size == (200, 30)
    drawn = np.asarray(draw_grid([[Cell(Image.new("RGB", (30, 20), "red"), "")]]))
    assert _find(drawn, (255, 0, 0))[2:] == (80, 120)


def test_rows_may_differ_in_length() -> None:
    cell = Cell(Image.new("RGB", (120, 120), "red"), "")
    drawn = draw_grid([[cell], [cell, cell]])
    assert drawn.width > 240
    assert drawn.getpixel((60, 60)) == (255, 0, 0)
    assert drawn.getpixel((200, 60)) == (255, 255, 255)


def test_a_box_is_a_white_frame_inside_of_the_picture() -> None:
    picture = Image.new("L", (50, 40), 128)
    assert draw_box(picture, None) is picture
    drawn = np.asarray(draw_box(picture, Box(-5, 10, 20, 30)))
    white = (drawn == 255).all(2)
    rows, columns = np.nonzero(white)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (1, 18, 11, 28)
    assert (drawn[4:16, 14:26] == 128).all()
    assert (drawn[0, 10:30] == 0).all()  # seen on a white page
    assert not (np.asarray(draw_box(picture, Box(2, 2, 3, 4))) == 0).any()  # too small for both


def test_a_grid_that_would_fill_the_memory_is_refused() -> None:
    row = [Cell(Image.new("L", (112, 112)), "")] * 100
    with pytest.raises(ValueError, match=r"of 100000 results side by side would have 12008 x "):
        draw_grid([row] * 1000)
