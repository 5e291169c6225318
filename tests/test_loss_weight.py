"""C as users give it: a number, or "auto"."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from preimage.loss_weight import AUTO, as_list, is_auto


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (20, [20.0]),
        ("auto", [AUTO]),
        ((1, "auto", 0), [1.0, AUTO, 0.0]),
        (torch.tensor(3.0), [3.0]),
        (np.array([1, 2]), [1.0, 2.0]),
    ],
)
def test_one_or_several_become_a_list(given: Any, expected: list[Any]) -> None:
    weights = as_list(given)
    assert weights == expected
    assert [type(weight) for weight in weights] == [type(weight) for weight in expected]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "must be numbers or 'auto'"),
        ("many", "must be numbers or 'auto', not .'many'."),
        ([1, None], "must be numbers or 'auto'"),
        ([1, -1], "must not be negative"),
        (float("nan"), "must not be negative"),
        (1e39, "must be at most 3e.38"),
    ],
)
def test_other_values_are_refused(given: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        as_list(given)


def test_no_array_is_taken_for_a_word() -> None:
    assert not is_auto(np.array(["auto", "auto"]))
    assert not is_auto(1.0)
