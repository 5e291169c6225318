"""Channels, positions and prefix tokens of codes."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from preimage.representations.code_grid import CodeGrid

TOKENS = CodeGrid((8, 3), 3, (2, 3), ("cls", "register 1"))


def test_a_position_is_a_place_on_the_grid_or_a_token_before_it() -> None:
    assert [TOKENS.index(p) for p in ("cls", "register 1", (0, 0), (1, 2), "center")] == [
        0, 1, 2, 7, 6,
    ]  # fmt: skip


def test_a_vector_is_put_at_a_position_or_everywhere_on_the_grid() -> None:
    vector = torch.tensor([1.0, 2.0, 4.0])
    assert TOKENS.spread(vector, "cls").nonzero()[:, 0].unique().tolist() == [0]
    everywhere = TOKENS.spread(vector, "everywhere")
    assert not everywhere[:2].any()
    torch.testing.assert_close(everywhere[2:].sum(0), vector)
    maps = CodeGrid.from_shape((3, 2, 2)).spread(vector, (1, 0))
    assert maps[:, 1, 0].tolist() == [1, 2, 4]
    assert maps.count_nonzero() == 3


def test_positions_come_in_the_order_of_their_numbers() -> None:
    codes = torch.arange(48.0).reshape(2, 8, 3)
    assert torch.equal(TOKENS.by_position(codes), codes)
    assert torch.equal(TOKENS.on_grid(codes), codes[:, 2:])
    maps = torch.arange(24.0).reshape(2, 3, 2, 2)
    found = CodeGrid.from_shape((3, 2, 2)).by_position(maps)
    assert torch.equal(found[:, 2], maps[:, :, 1, 0])


@pytest.mark.parametrize(
    ("position", "message"),
    [
        ("csl", "unknown position 'csl': did you mean 'cls'"),
        ((2, 0), "position 2, 0 is not on the grid of 2 x 3 responses"),
        ((0, -1), "position 0, -1 is not on the grid of 2 x 3 responses"),
    ],
)
def test_a_position_that_is_not_there_is_refused(position: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TOKENS.index(position)


def test_a_shape_alone_gives_the_largest_square_of_tokens() -> None:
    assert CodeGrid.from_shape((10, 4)) == CodeGrid((10, 4), 4, (3, 3), ("prefix 1",))
    with pytest.raises(ValueError, match="channel_axis=1"):
        CodeGrid.from_shape((1, 2, 3, 4))
