"""One-line messages for problems that pydantic finds: a key, what it must be, and its value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_EXPECTED = {
    "int_type": "an integer",
    "int_from_float": "an integer",
    "int_parsing": "an integer",
    "int_parsing_size": "an integer of usual size",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "string_type": "a text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a table",
    "dataclass_type": "a table",
    "greater_than": "greater than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "less than {lt}",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
    "literal_error": "{expected}",
}
"""The expected value, by pydantic's name of the problem, as a template for its context."""

_TYPES = ("int", "float", "str")
_LONGEST = 60


def describe_problem(problem: ErrorDetails, expected: str | None = None) -> str:
    """Return one line about a problem; use `expected` if pydantic does not say what it wants."""
    place = format_place(problem["loc"])
    if problem["type"] == "missing":
        return f"{place} is missing"
    words = expected or _EXPECTED.get(problem["type"])
    if words is None:  # our own error, or a JSON error
        message = problem["msg"].removeprefix("Value error, ")
        return f"{place}: {message}" if place else message
    context: dict[str, Any] = problem.get("ctx", {})
    return f"{place} must be {words.format(**context)}, not {format_value(problem['input'])}"


def format_place(parts: Sequence[int | str]) -> str:
    """Return the path of a key as a user would write it.

    >>> format_place(("neurons", 0, 2)), format_place(("settings", "solver", "Algorithm1", "name"))
    ('neurons[0][2]', 'settings.solver.name')
    """
    place = ""
    for part in parts:
        if isinstance(part, int):
            place += f"[{part}]"
        elif part.isidentifier() and part.islower() and part not in _TYPES:
            place += f".{part}" if place else part
    return place  # parts left out are names of types that pydantic tried


def format_value(value: Any) -> str:
    """Return a value as a message shows it, in one line; a long one is cut.

    >>> format_value(True), format_value("x" * 99)[-5:]
    ('true', 'xx...')
    """
    try:
        text = str(value).lower() if isinstance(value, bool) else repr(value)
    except ValueError:  # Python does not print integers of thousands of digits
        return "an integer of thousands of digits"
    except RecursionError:
        return "a value of thousands of levels"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
