"""Gradients that a dead activation would stop, passed on instead.

A rectifier that is off has no gradient: if it is off wherever an image could change it, nothing
ever turns it on. Lucid (Olah, Mordvintsev and Schubert, "Feature Visualization", Distill 2017)
therefore lets gradients pass rectifiers in the first steps. Here they pass an activation only
where it stops or reverses them altogether.

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
        "Tanh", "Silu", "Gelu", "Mish", "Elu", "Softplus", "Softmax", "LogSoftmax",
    )
    for version in (0, 1)
)  # fmt: skip
_STOPPED = 1e-3
"""The largest slope of an activation, averaged over the gradient, that counts as stopping the
gradient. A negative slope counts, too: left of its minimum, SiLU's leads to where it is flat."""


def pass_stopped_gradients(codes: Tensor) -> None:
    """Let the next backward pass of `codes` (N, ...) go through activations that would stop it.

    The last activations before the codes pass on the gradient of each channel that they stop at all
    positions. Earlier activations pass on the gradient of each image that they stop altogether.
    """
    seen = set()
    waiting = [(codes.grad_fn, True)]
    while waiting:
        node, is_last = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        is_activation = type(node).__name__ in _ACTIVATIONS
        if is_activation:
            node.register_hook(partial(_passed, 2 if is_last else 1))
        waiting += [(source, is_last and not is_activation) for source, _ in node.next_functions]


def _passed(axes: int, through: tuple[Any, ...], given: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """Return the gradients `through` a node, replaced by the `given` ones where it stops them.

    Whether the node stops them is decided for each index of the first `axes` axes.
    """
    if through[0] is None or given[0] is None:
        return None

    def over_the_rest(values: Tensor) -> Tensor:
        others = list(range(axes, values.ndim))
        return values.sum(others, keepdim=True) if others else values

    kept = over_the_rest(through[0] * given[0])
    stopped = kept <= _STOPPED * over_the_rest(given[0].square())
    return torch.where(stopped, given[0], through[0]), *through[1:]
