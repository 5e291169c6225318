"""Masks by name: which components they keep, and where a window looks."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from preimage.masks import Mask
from preimage.preprocessing import Preprocessing
from preimage.representations.code_grid import CodeGrid
from preimage.representations.layer import Layer
from tests.support import Projections

GRAY = Preprocessing(mean=(127.5,))


def mask(code_shape: tuple[int, ...], **choices: Any) -> Tensor:
    found = Mask(**choices).to_tensor(CodeGrid.from_shape(code_shape))
    assert found is not None
    return found


def test_a_window_keeps_the_central_responses_of_every_channel() -> None:
    found = mask((3, 13, 8), window=5)
    assert found.shape == (3, 13, 8)
    assert found.sum() == 3 * 25
    assert (found[:, 4:9, 1:6] == 1).all()


def test_channels_are_counted_from_zero_and_both_ends_belong() -> None:
    found = mask((96, 2, 2), channels="0-46,47")
    assert (found[:48] == 1).all()
    assert (found[48:] == 0).all()


def test_the_two_streams_are_the_halves_and_make_up_the_whole() -> None:
    first, second = (mask((96, 2, 3), stream=stream) for stream in (1, 2))
    assert torch.equal(first, mask((96, 2, 3), channels="0-47"))
    assert torch.equal(first + second, torch.ones(96, 2, 3))


def test_a_mask_of_tokens_is_of_their_channels_and_their_grid() -> None:
    grid = CodeGrid((17, 4), 4, (4, 4), ("cls",))
    channels, window, stream = (
        Mask(**choice).to_tensor(grid)
        for choice in ({"channels": "1"}, {"window": 2}, {"stream": 2})
    )
    assert channels is not None
    assert window is not None
    assert stream is not None
    assert torch.equal(channels, torch.tensor([0.0, 1, 0, 0]).expand(17, 4))
    assert window[:, 0].nonzero()[:, 0].tolist() == [6, 7, 10, 11]
    assert torch.equal(window[:, 0], window[:, 3])
    assert stream.sum(0).tolist() == [0, 0, 17, 17]


def test_masks_keep_what_all_of_them_keep() -> None:
    found = mask((4, 3, 3), window=1, channels="0-2", stream=2)
    assert torch.equal(found.nonzero(), torch.tensor([[2, 1, 1]]))
    assert Mask().to_tensor(CodeGrid.from_shape((4, 3, 3))) is None


@pytest.mark.parametrize(
    ("choices", "code_shape", "message"),
    [
        ({"window": 5}, (10,), "needs a code of maps"),
        ({"window": 5}, (10, 4, 9), "does not fit maps of"),
        ({"channels": "3-10"}, (10,), "channel 10 is not among 0-9"),
        ({"stream": 2}, (1, 4, 4), "has no two streams"),
    ],
)
def test_what_does_not_fit_the_code_is_refused(
    choices: dict[str, Any], code_shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        mask(code_shape, **choices)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"window": 0}, "a side of 1 or more responses, not 0"),
        ({"channels": "4-3"}, "channels must be like 0-24,31, not '4-3'"),
        ({"stream": 3}, "streams 1 and 2, not 3"),
    ],
)
def test_a_choice_that_no_code_could_have_is_refused_at_once(
    choices: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Mask(**choices)


def test_the_box_is_that_of_the_receptive_fields_of_the_window() -> None:
    conv = Layer(nn.Sequential(nn.Conv2d(1, 1, 7, stride=2, bias=False)), "0", GRAY)
    x = torch.zeros(1, 1, 41, 53, requires_grad=True)
    code = conv(x)
    (gradient,) = torch.autograd.grad((code * mask(tuple(code.shape[1:]), window=5)).sum(), x)
    rows, columns = gradient[0, 0].nonzero(as_tuple=True)
    seen = (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
    assert Mask(window=5).box(conv, (41, 53)) == tuple(int(end) for end in seen)


def test_without_a_window_or_a_receptive_field_there_is_no_box() -> None:
    conv = Layer(nn.Sequential(nn.Conv2d(1, 1, 7)), "0", GRAY)
    assert Mask(stream=1).box(conv, (41, 53)) is None
    assert Mask(window=1).box(Projections(4, 1, 3, 3), (3, 3)) is None
