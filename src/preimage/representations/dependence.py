"""The rows of the image that each value of a network depends on, found in one forward pass.

For each value of each tensor that is computed from the image, `Dependence` keeps two numbers,
called its ends: minus the first row and plus the last row of the image that the value depends on.
The ends depend neither on the weights nor on what a rectifier or a maximum lets through.

    >>> image = torch.zeros(1, 3, 9, 4)
    >>> with torch.no_grad(), Dependence(image, axis=2) as dependence:
    ...     maps = torch.nn.functional.conv2d(image, torch.zeros(5, 3, 3, 3), stride=2)
    >>> first, last = dependence.rows(maps)
    >>> first[0, 0, :, 0].tolist(), last[0, 0, :, 0].tolist()
    ([0.0, 2.0, 4.0, 6.0], [2.0, 4.0, 6.0, 8.0])
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

from preimage.representations.dependence_rules import NOTHING, Call, Rule, rule_of, slim

_Ends = tuple[Tensor, Tensor]

_MAKERS = ("zeros", "ones", "empty", "full", "rand", "randn", "empty_strided")
_CONSTANTS = {*_MAKERS, *(f"new_{name}" for name in _MAKERS), *(f"{name}_like" for name in _MAKERS)}
"""Operations whose outputs depend on nothing until they are written to."""


class _Operation(NamedTuple):
    """The properties of an operation that `Dependence` needs."""

    names: tuple[str, ...]
    defaults: dict[str, Any]
    rule: Rule | None
    is_in_place: bool
    makes_constants: bool


@cache
def _read(function: Any) -> _Operation:
    schema = function._schema
    return _Operation(
        tuple(argument.name for argument in schema.arguments),
        {a.name: a.default_value for a in schema.arguments if a.has_default_value()},
        rule_of(function),
        schema.is_mutable,
        schema.name.removeprefix("aten::") in _CONSTANTS,
    )


def _tensors(value: Any) -> list[Tensor]:
    """Return a tensor, or those in a list, as a list; an empty one for anything else."""
    if isinstance(value, Tensor):
        return [value]
    values = value if isinstance(value, list | tuple) else ()
    return [v for v in values if isinstance(v, Tensor)]


class Dependence(TorchDispatchMode):
    """A torch dispatch mode that records which rows or columns each tensor depends on.

    Gradients must be disabled, because views lose their identity otherwise.

    Args:
        image: (N, D, H, W). All tensors that are computed from it within the mode are followed.
        axis: 2 for the rows of the image, 3 for its columns.
    """

    def __init__(self, image: Tensor, axis: int) -> None:
        super().__init__()
        self._ends: Any = WeakTensorKeyDictionary()  # None for a tensor that no rule covers
        shape = [1] * image.ndim
        shape[axis] = image.shape[axis]
        self._device = torch.device("cpu") if image.is_meta else image.device
        count = image.shape[axis]
        rows = torch.arange(count, dtype=torch.float32, device=self._device).view(shape)
        self._ends[image] = (-rows.expand(image.shape), rows.expand(image.shape))

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Keep torch from loading its compiler, which is not needed and takes a second."""
        return False

    def rows(self, tensor: Tensor) -> _Ends | None:
        """Return the first and the last row that each value of `tensor` depends on.

        An axis along which the rows are all the same has length 1. Return None if `tensor` does not
        depend on the image, or if its dependence is unknown.
        """
        ends = self._ends.get(tensor)
        if ends is None or bool((slim(ends[1]) == NOTHING).all()):
            return None
        return -slim(ends[0]), slim(ends[1])

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run an operation, and record what its outputs depend on."""
        output = func(*args, **(kwargs or {}))
        operation = _read(func)
        outputs = _tensors(output)
        if operation.makes_constants:
            self._note_constants(outputs)
            return output
        values = operation.defaults | dict(zip(operation.names, args, strict=False))
        values |= kwargs or {}
        tensors = {name: value for name, value in values.items() if _tensors(value)}
        followed = [v for value in tensors.values() for v in _tensors(value) if v in self._ends]
        if followed and outputs:
            rule = operation.rule if all(self._ends[v] is not None for v in followed) else None
            found = None
            if rule is not None:
                found = self._pass_on(rule, Call(func, values, tensors, output))
            self._note(outputs, found, operation.is_in_place)
        return output

    def _pass_on(self, rule: Rule, call: Call) -> list[_Ends]:
        """Return the ends of the outputs by a rule; `call.ends` holds tensors instead of ends."""
        both = []
        for end in (0, 1):
            ends = {
                name: self._end(value, end)
                if isinstance(value, Tensor)
                else [self._end(v, end) for v in value]
                for name, value in call.ends.items()
            }
            both.append(_tensors(rule(replace(call, ends=ends))))
        return list(zip(*both, strict=True))

    def _end(self, value: Any, end: int) -> Tensor | None:
        ends = self._ends.get(value) if isinstance(value, Tensor) else None
        return None if ends is None else ends[end]

    def _note_constants(self, outputs: list[Tensor]) -> None:
        for value in outputs:
            if value.is_floating_point():
                nothing = torch.full(value.shape, NOTHING, dtype=torch.float32, device=self._device)
                self._ends[value] = (nothing, nothing.clone())

    def _note(self, outputs: list[Tensor], found: list[_Ends] | None, in_place: bool) -> None:
        """Keep the ends of outputs; after a change in place, change those of the views too."""
        for n, value in enumerate(outputs):
            ends = None if found is None else found[n] if n < len(found) else ()
            if ends == ():
                continue
            known = self._ends.get(value) if in_place else None
            if ends is not None and known is not None:
                for old, new in zip(known, ends, strict=True):
                    _write(old, new)
            else:
                self._ends[value] = ends


def _write(old: Tensor, new: Tensor) -> None:
    """Write new ends in place of old ones; where several values share an end, keep the larger."""
    shared = [n for n in range(old.ndim) if old.stride(n) == 0 and old.shape[n] > 1]
    if shared:
        new = torch.maximum(slim(old), slim(new).amax(shared, keepdim=True))
    slim(old).copy_(new)
