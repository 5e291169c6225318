"""Opponent colors: the axes, their lengths, the way there and back."""

from __future__ import annotations

import torch

from preimage.opponent import from_colors, from_opponent, to_colors, to_opponent
from tests.support import random_image

AXES = torch.tensor([[1, 1, 1], [1, 0, -1], [1, -2, 1]], dtype=torch.float64)
MATRIX = AXES / AXES.norm(dim=1, keepdim=True)


def test_the_colors_are_coordinates_on_orthonormal_axes() -> None:
    x = random_image(2, 3, 4, 5)
    torch.testing.assert_close(to_opponent(x), torch.einsum("od,ndhw->nohw", MATRIX, x))
    torch.testing.assert_close(to_opponent(x).norm(dim=1), x.norm(dim=1))


def test_the_way_back_is_the_inverse_and_the_transpose() -> None:
    x = random_image(2, 3, 4, 5)
    torch.testing.assert_close(from_opponent(to_opponent(x)), x)
    torch.testing.assert_close(from_opponent(x), torch.einsum("od,nohw->ndhw", MATRIX, x))


def test_the_rest_of_a_batch_does_not_change_a_color_by_a_bit() -> None:
    x = random_image(4, 3, 7, 9).float()
    for there in (to_opponent, from_opponent):
        for n, converted in enumerate(there(x)):
            assert torch.equal(there(x[n].clone()), converted)


def test_only_images_of_three_channels_have_opponent_colors() -> None:
    for channels in (1, 3, 5):
        x = random_image(2, channels, 4, 5)
        assert torch.equal(to_colors(x), to_opponent(x) if channels == 3 else x)
        torch.testing.assert_close(from_colors(to_colors(x)), x)
