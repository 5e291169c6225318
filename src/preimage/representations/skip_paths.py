"""Gradients that prefer the skip paths of residual networks.

A residual block adds to its input what a branch makes of it. Gradients through the skip path
change what later layers see in all of the block's input; those through the branches add detail
that often only this network reacts to. If branches pass a share of their gradient, other networks
agree more with the images found (Wu et al., "Skip Connections Matter: On the Transferability of
Adversarial Examples Generated with ResNets", ICLR 2020). Codes do not change.

    >>> import torch
    >>> x = torch.tensor([2.0], requires_grad=True)
    >>> codes = x + 3 * x
    >>> weaken_branches(codes, 0.5)
    True
    >>> torch.autograd.grad(codes.sum(), x)
    (tensor([2.5000]),)
"""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import Tensor


def weaken_branches(codes: Tensor, share: float) -> bool:
    """Let branches beside skip paths pass only a share of their gradient in the next backward pass.

    A skip path leads from an addition straight to a tensor that the other term, the branch, was
    computed from. An addition of two branches, as at a block that changes the size of its maps,
    passes all of both gradients; so does a network without residual blocks.

    Returns:
        False if there are no such branches.
    """
    has_branches = False
    places = _in_order(codes.grad_fn)
    for node in places:
        if type(node).__name__ == "AddBackward0":
            branch = _branch(node, places)
            if branch is not None:
                node.register_hook(partial(_weakened, branch, share))
                has_branches = True
    return has_branches


def _in_order(last: Any) -> dict[Any, int]:
    """Return the places of autograd's nodes in an order in which sources come before results."""
    places: dict[Any, int] = {}
    waiting = [(last, False)]
    while waiting:
        node, is_done = waiting.pop()
        if node is None or node in places:
            continue
        if is_done:
            places[node] = len(places)
        else:
            waiting.append((node, True))
            waiting += [(source, False) for source, _ in node.next_functions]
    return places


def _branch(addition: Any, places: dict[Any, int]) -> int | None:
    """Return which of two terms, 0 or 1, is the branch; None if neither is a skip path."""
    first, second = (source for source, _ in addition.next_functions)
    if first is None or second is None or first is second:
        return None
    branch = int(places[first] < places[second])
    skip, seen = (second, first)[branch], set()
    waiting = [(first, second)[branch]]
    while waiting:
        node = waiting.pop()
        if node is skip:
            return branch
        if node is None or node in seen or places[node] < places[skip]:
            continue
        seen.add(node)
        waiting += [source for source, _ in node.next_functions]
    return None


def _weakened(
    branch: int, share: float, through: tuple[Any, ...], given: tuple[Any, ...]
) -> tuple[Any, ...]:
    """Return the gradients through an addition, that of its branch times the share."""
    return tuple(share * g if n == branch else g for n, g in enumerate(through))
