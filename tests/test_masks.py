"""Masks by name: which components they keep, and where a window looks."""

from __future__ import annotations

import pytest
import torch

from preimage.masks import channel_mask, stream_mask, window_box, window_mask
from preimage.representations.receptive_field import ReceptiveField


def test_a_window_keeps_the_central_responses_of_every_channel() -> None:
    mask = window_mask((3, 13, 8), 5)
    assert mask.shape == (3, 13, 8)
    assert mask.sum() == 3 * 25
    assert (mask[:, 4:9, 1:6] == 1).all()


def test_channels_are_counted_from_zero_and_both_ends_belong() -> None:
    mask = channel_mask((96, 2, 2), 0, 47)
    assert (mask[:48] == 1).all()
    assert (mask[48:] == 0).all()


def test_the_two_streams_are_the_halves_and_make_up_the_whole() -> None:
    first, second = (stream_mask((96, 2, 3), stream) for stream in (1, 2))
    assert torch.equal(first, channel_mask((96, 2, 3), 0, 47))
    assert torch.equal(first + second, torch.ones(96, 2, 3))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: window_mask((10,), 5), "needs a code of maps"),
        (lambda: window_mask((10, 4, 9), 5), "does not fit maps of"),
        (lambda: window_mask((10, 4, 9), 0), "does not fit maps of"),
        (lambda: channel_mask((10,), 3, 10), "channels 3-10 are not among 0-9"),
        (lambda: channel_mask((10,), 4, 3), "channels 4-3"),
        (lambda: stream_mask((10,), 3), "streams 1 and 2, not 3"),
    ],
)
def test_what_does_not_fit_the_code_is_refused(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]


def test_the_box_is_that_of_the_receptive_fields_of_the_window() -> None:
    conv = torch.nn.Conv2d(1, 1, 7, stride=2, bias=False)
    x = torch.zeros(1, 1, 41, 53, requires_grad=True)
    code = conv(x)
    (code * window_mask(tuple(code.shape[1:]), 5)).sum().backward()
    assert x.grad is not None
    rows, columns = x.grad[0, 0].nonzero(as_tuple=True)
    seen = (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
    box = window_box(ReceptiveField(7, 2, 3.0), tuple(code.shape[1:]), 5)
    assert box == tuple(int(end) for end in seen)
