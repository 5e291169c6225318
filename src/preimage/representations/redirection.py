"""Gradients that a dead activation would stop, passed on instead.

A rectifier that is off has no gradient: if it is off wherever an image could change it, nothing
ever turns it on. Lucid (Olah, Mordvintsev and Schubert, "Feature Visualization", Distill 2017)
therefore lets gradients pass rectifiers in the first steps. Here they pass an activation only
where it stops or reverses them altogether. Activations that autograd has no name for, such as
`x * (x > 0)`, are known by what they do: each gradient remains at its place, and it becomes zero.

    >>> x = torch.tensor([[-2.0]], requires_grad=True)
    >>> codes = torch.relu(x)
    >>> pass_stopped_gradients(codes)
    >>> torch.autograd.grad(codes.sum(), x)
    (tensor([[1.]]),)
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

_ACTIVATIONS = frozenset(
    f"{name}Backward{version}"
    for name in (
        "Relu", "Hardtanh", "Threshold", "Clamp", "ClampMin", "Hardswish", "Hardsigmoid", "Sigmoid",
        "Tanh", "Silu", "Gelu", "Mish", "Elu", "Celu", "Softplus", "Softmax", "LogSoftmax",
        "LogSigmoid",
    )
    for version in (0, 1)
)  # fmt: skip
_STOPPED = 1e-3
"""The largest slope of an activation, averaged over the gradient, that counts as stopping the
gradient. A negative slope counts, too: left of its minimum, SiLU's leads to where it is flat."""


_Gradients = tuple[Any, ...]


def pass_stopped_gradients(codes: Tensor) -> None:
    """Let the next backward pass of `codes` (N, ...) go through activations that would stop it.

    The last activations before the codes pass on the gradient of each channel that they stop at all
    positions. Earlier activations pass on the gradient of each image that they stop altogether.
    Activations without a name count as the last ones.
    """
    seen = set()
    waiting = [(codes.grad_fn, True)]
    while waiting:
        node, is_last = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        kind = type(node).__name__
        is_activation = kind in _ACTIVATIONS
        passed = _PASSED.get(kind, _passed if is_activation else _passed_if_zero)
        node.register_hook(partial(passed, 2 if is_last else 1))
        waiting += [(source, is_last and not is_activation) for source, _ in node.next_functions]


def _passed(axes: int, through: _Gradients, given: _Gradients) -> _Gradients | None:
    """Return the gradients `through` a node, replaced by the `given` ones where it stops them.

    Whether the node stops them is decided for each index of the first `axes` axes.
    """
    if through[0] is None or given[0] is None:
        return None
    kept = _sum(through[0] * given[0], axes)
    stopped = kept <= _STOPPED * _sum(given[0].square(), axes)
    return torch.where(stopped, given[0], through[0]), *through[1:]


def _passed_if_zero(axes: int, through: _Gradients, given: _Gradients) -> _Gradients | None:
    """Do the work of `_passed` for a node of any kind: only where all gradients become zero.

    Nothing is passed if a gradient moves to another place, as in a convolution.
    """
    incoming = given[0]
    places = [n for n, g in enumerate(through) if _is_like(g, incoming)]
    if not places or len(given) > 1:
        return None
    total = torch.stack([through[n].abs() for n in places]).sum(0)
    stopped = (_sum(total, axes) == 0) & (_sum(incoming.abs(), axes) > 0)
    if not bool(stopped.any()) or bool(total[incoming == 0].any()):
        return None
    return tuple(
        torch.where(stopped, incoming, g) if n in places else g for n, g in enumerate(through)
    )


def _passed_product(axes: int, through: _Gradients, given: _Gradients) -> _Gradients | None:
    """Do the work of `_passed` for a product: both factors get the gradient if one is closed.

    A gate times a value, such as x * sigmoid(x), opens only if the gate and the value grow.
    """
    if sum(g is not None for g in through) < 2:
        return _passed_if_zero(axes, through, given)
    incoming = given[0]
    if not all(_is_like(g, incoming) for g in through):  # one factor is broadcast
        return None
    least = _STOPPED * _sum(incoming.abs(), axes)
    closed = torch.stack([_sum(g.abs(), axes) <= least for g in through]).any(0)
    return tuple(torch.where(closed, incoming, g) for g in through)


def _passed_gate(axes: int, through: _Gradients, given: _Gradients) -> _Gradients | None:
    """Do the work of `_passed` for a gated linear unit: value and gate get the gradient."""
    if through[0] is None or given[0] is None:
        return None
    (axis,) = (n for n, k in enumerate(given[0].shape) if through[0].shape[n] != k)
    value, gate = through[0].chunk(2, axis)
    found = _passed_product(axes, (value, gate), given)
    return None if found is None else (torch.cat(found, axis),)


def _sum(values: Tensor, axes: int) -> Tensor:
    """Return the sums over all but the first axes."""
    others = list(range(axes, values.ndim))
    return values.sum(others, keepdim=True) if others else values


def _is_like(one: Tensor | None, other: Tensor | None) -> bool:
    return one is not None and other is not None and one.shape == other.shape


_PASSED = {"MulBackward0": _passed_product, "GluBackward0": _passed_gate}
