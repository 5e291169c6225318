"""Problems in one line: the path of the key, what it must be, and what it is."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from preimage.studies.problems import describe_problem, format_value


class _Inner(BaseModel):
    side: int | tuple[int, int]


class _Outer(BaseModel):
    inner: list[_Inner]


@pytest.mark.parametrize(("values", "expected"), [
    ({"inner": [{"side": 1}, {"side": "a"}]}, "inner[1].side must be an integer, not 'a'"),
    ({"inner": [{}]}, "inner[0].side is missing"),
    ({"inner": {}}, "inner must be a list, not {}"),
    ({}, "inner is missing"),
])  # fmt: skip
def test_a_problem_is_told_with_its_place(values: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValidationError) as caught:
        _Outer.model_validate(values)
    assert describe_problem(caught.value.errors()[0]) == expected


def test_what_was_expected_can_be_said_by_the_caller() -> None:
    with pytest.raises(ValidationError) as caught:
        _Outer.model_validate({"inner": [{"side": "a"}]})
    described = describe_problem(caught.value.errors()[0], "a side or two")
    assert described == "inner[0].side must be a side or two, not 'a'"


def test_values_that_cannot_be_printed_are_named() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert format_value(10**5000) == "an integer of thousands of digits"
    assert format_value(deep) == "a value of thousands of levels"
