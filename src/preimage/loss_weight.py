"""C of Equation 1 as users give it: a number, or "auto"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias

from preimage.checks import finite

AUTO: Literal["auto"] = "auto"
"""The loss weight that a fast solver chooses by measuring; see `optimizer.continuation`."""

LossWeight: TypeAlias = float | int | Literal["auto"]

LARGEST_WEIGHT = 3e38
"""The largest loss weight that single precision holds."""


def is_auto(weight: object) -> bool:
    """Tell whether C is to be chosen."""
    return isinstance(weight, str) and weight == AUTO


def format_weight(weight: LossWeight) -> str:
    """Return a loss weight as text.

    >>> format_weight(300.0), format_weight("auto")
    ('300', 'auto')
    """
    return weight if isinstance(weight, str) else f"{weight:g}"


def as_list(values: LossWeight | Sequence[LossWeight]) -> list[LossWeight]:
    """Return one or several loss weights as a list; a tensor of no axes is one.

    Raises:
        ValueError: if one is neither "auto" nor a number within limits, or if there is none.

    >>> as_list([20, "auto"])
    [20.0, 'auto']
    """
    is_one = getattr(values, "ndim", None) == 0 or isinstance(values, str)
    several = isinstance(values, Iterable) and not is_one
    listed: list[Any] = list(values) if several else [values]  # type: ignore[arg-type]
    given = [value for value in listed if not is_auto(value)]
    if not listed or any(value is None or isinstance(value, str) for value in given):
        raise ValueError(f"loss weights must be numbers or {AUTO!r}, not {listed}")
    if not all(value >= 0 for value in given):
        raise ValueError(f"loss weights must not be negative, not {listed}")
    weights = [AUTO if is_auto(value) else float(finite("loss_weight", value)) for value in listed]
    largest = max((weight for weight in weights if not isinstance(weight, str)), default=0)
    if largest > LARGEST_WEIGHT:
        raise ValueError(f"loss weights must be at most {LARGEST_WEIGHT:g}, not {largest:g}")
    return weights
