"""Statistics joined image by image against those of all responses at once."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor

from preimage.names import LayerName
from preimage.representations.code_grid import CodeGrid
from preimage.statistics.channels import ChannelStatistics, image_statistics, join


def responses(*shape: int, count: int, offset: float = 0.0) -> list[Tensor]:
    """Of some images, with zeros among them."""
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator).relu() + offset for _ in range(count)]


def joined(values: list[Tensor], first: int = 0, top: int = 3) -> ChannelStatistics:
    total = image_statistics(values[0], first)
    for index, value in enumerate(values[1:], first + 1):
        total = join(total, image_statistics(value, index), top)
    return total


@pytest.mark.parametrize("shape", [(5, 4, 6), (5,)])
def test_moments_and_extremes_are_those_of_all_responses_in_two_passes(
    shape: tuple[int, ...],
) -> None:
    values = responses(*shape, count=7)
    total = joined(values)
    whole = torch.stack(values, 1).double().flatten(1).numpy()
    assert total.count == whole.shape[1]
    np.testing.assert_allclose(total.mean, whole.mean(1), rtol=1e-14)
    np.testing.assert_allclose(total.squares / total.count, whole.var(1), rtol=1e-13)
    np.testing.assert_allclose(total.std, whole.std(1), rtol=1e-13)
    np.testing.assert_allclose(total.zeros, (whole == 0).mean(1), rtol=1e-14)
    assert np.array_equal(total.maximum, whole.max(1))
    assert np.array_equal(total.minimum, whole.min(1))
    assert np.array_equal(total.zero_count, (whole == 0).sum(1))
    assert 0 < total.zero_count.sum() < whole.size


def test_a_large_offset_does_not_spoil_the_variance() -> None:
    values = [value.double() for value in responses(4, 8, 8, count=5)]
    near, far = joined(values), joined([value + 1e7 for value in values])
    np.testing.assert_allclose(far.squares, near.squares, rtol=1e-6)


def test_any_grouping_of_the_images_gives_the_same() -> None:
    values = responses(5, 3, 3, count=8)
    total = joined(values)
    other = join(joined(values[:3]), joined(values[3:], first=3), top=3)
    np.testing.assert_allclose(other.mean, total.mean, rtol=1e-14)
    np.testing.assert_allclose(other.squares, total.squares, rtol=1e-13)
    assert np.array_equal(other.top_values, total.top_values)
    assert np.array_equal(other.top_images, total.top_images)
    assert np.array_equal(other.top_positions, total.top_positions)


def test_each_image_is_at_most_once_among_the_largest_which_fall() -> None:
    values = responses(4, 5, 6, count=6)
    total = joined(values, top=4)
    best = torch.stack([value.flatten(1).amax(1) for value in values], 1).double()
    assert np.array_equal(total.top_values, best.sort(1, descending=True)[0][:, :4].numpy())
    for channel in range(4):
        assert len(set(total.top_images[channel])) == 4
        for rank in range(4):
            image = total.top_images[channel, rank]
            row, column = total.top_positions[channel, rank]
            assert values[image][channel, row, column] == total.top_values[channel, rank]


def test_of_equal_responses_the_first_image_and_position_count() -> None:
    same = torch.ones(2, 3, 3)
    total = joined([same, same, same], top=2)
    assert total.top_images.tolist() == [[0, 1], [0, 1]]
    assert not total.top_positions.any()


def test_tokens_are_positions_of_features() -> None:
    tokens = torch.tensor([[99.0, -99.0], [1.0, 0.0], [5.0, 2.0], [3.0, 7.0]])
    found = image_statistics(tokens, 4, CodeGrid((4, 2), 2, (1, 3), ("cls",)))
    assert found.count == 3
    assert found.maximum.tolist() == [5, 7]
    assert found.minimum.tolist() == [1, 0]
    assert found.top_positions.tolist() == [[[0, 1]], [[0, 2]]]
    assert found.mean.tolist() == [3, 3]


def test_a_vector_has_no_position() -> None:
    assert image_statistics(torch.tensor([1.0, 2.0, 3.0]), image=0).top_positions.shape == (3, 1, 0)


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (torch.zeros(2, 2, 2, 2), r"not of shape \(2, 2, 2, 2\)"),
        (torch.tensor(1.0), r"not of shape \(\)"),
        (torch.tensor([1.0, float("nan")]), "NaN or infinite"),
        (torch.tensor([[float("inf"), -float("inf")]]), "NaN or infinite"),
    ],
)
def test_what_has_no_channels_or_is_not_finite_is_refused(response: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        image_statistics(response, 0)


def test_a_notebook_shows_the_first_channels() -> None:
    values = responses(50, 3, 3, count=2)
    statistics = dataclasses.replace(
        joined(values), name=LayerName("net", "conv"), images=("in/a.png", "in/b.png")
    )
    row = statistics.table().rows[7]
    best = "ab"[int(torch.stack([value[7].max() for value in values]).argmax())]
    largest = max(float(value[7].max()) for value in values)
    assert (row[0], row[1], row[-1]) == (7, f"{largest:.4g}", f"{best}.png")
    shown = statistics._repr_html_()
    assert shown.count("<tr>") == 41
    assert "the first 40 of 50 rows; net/conv: 18 responses of each channel" in shown
