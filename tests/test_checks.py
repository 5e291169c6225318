"""Checks of numbers: NumPy's are numbers, truth values are none, and nothing is infinite."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from preimage.checks import check_seeds, check_size, finite, whole


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_whole_numbers_of_numpy_are_whole_numbers(value: Any) -> None:
    found = whole("count", value, least=1)
    assert (type(found), found) == (int, 3)


@pytest.mark.parametrize("value", [True, np.True_, 3.0, np.float64(3), "3", None, 0, [3], np.nan])
def test_what_is_no_whole_number_in_range_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"count must be (a whole number|at least 1), not"):
        whole("count", value, least=1)


@pytest.mark.parametrize("value", [True, np.nan, np.inf, -np.inf, "a", None, 1j, 0, 10**400])
def test_what_is_no_finite_number_in_range_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"rate must be (a finite number|positive), not"):
        finite("rate", value, is_positive=True)


def test_a_finite_number_stays_as_it_is() -> None:
    assert [finite("rate", value, least=1, most=3) for value in (1, 2.5, np.float32(3))] == [
        1, 2.5, 3,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("size", "expected"),
    [(None, None), (96, 96), (np.int64(96), 96), ((30, 20), (30, 20)), ([3, 4], (3, 4)),
     (np.array([3, 4]), (3, 4))],
)  # fmt: skip
def test_a_size_is_a_side_or_height_and_width(size: Any, expected: Any) -> None:
    assert check_size(size) == expected


@pytest.mark.parametrize("size", [0, -7, (0, 5), (5, -1), 1.5, (1, 2, 3), (), "96", True, np.inf])
def test_a_size_that_is_none_is_refused(size: Any) -> None:
    with pytest.raises(ValueError, match=r"size must be a side in pixels or \(height, width\)"):
        check_size(size)


def test_a_size_of_more_than_64_megapixels_is_refused() -> None:
    assert check_size((8000, 8000)) == (8000, 8000)
    with pytest.raises(ValueError, match="100000 x 100000 is more than the limit of 64 mega"):
        check_size((100_000, 100_000))


@pytest.mark.parametrize("seeds", [[0, 2], (0, 2), np.array([0, 2]), [np.int64(0), np.uint8(2)]])
def test_seeds_are_a_list_a_tuple_or_an_array(seeds: Any) -> None:
    found = check_seeds(seeds)
    assert list(found) == [0, 2]
    assert {type(seed) for seed in found} == {int}


@pytest.mark.parametrize("seeds", [[], [-1], [2**63], [1.5], [True], ["1"], range(-1, 3)])
def test_seeds_that_are_none_are_refused(seeds: Any) -> None:
    with pytest.raises(ValueError, match="seed"):
        check_seeds(seeds)


@pytest.mark.parametrize("seeds", [3, "012", None, np.int64(3)])
def test_what_is_no_sequence_of_seeds_is_refused(seeds: Any) -> None:
    with pytest.raises(TypeError, match="must be a list or a range of seeds"):
        check_seeds(seeds)


def test_a_range_of_a_billion_seeds_is_not_made_a_list() -> None:
    assert check_seeds(range(10**9)) == range(10**9)
