"""Batch normalization folded into the convolutions before it, in a copy of a network.

In evaluation mode batch normalization is affine, channel by channel. A convolution
W * x + b and the normalization after it are therefore one convolution with other weights,

    W' = s W,   b' = s (b - mean) + beta,   s = gamma / sqrt(variance + epsilon).

The convolution that a normalization follows is not guessed from names but read from the
autograd graph of a run. The graph also shows whether anything else uses the convolution's
output or weights.

>>> chain = nn.Sequential(nn.Conv2d(3, 8, 5), nn.BatchNorm2d(8), nn.ReLU()).eval()
>>> copied = shadow(chain)
>>> fold_(copied, copied(torch.ones(1, 3, 9, 9)))
1
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn


def shadow(model: nn.Module) -> nn.Module:
    """Return a copy of a network that shares its weights but requires gradients for them.

    The copy has its own buffers, because a forward pass may write them.
    """
    shared: dict[int, Any] = {}
    for p in model.parameters():
        shared[id(p)] = nn.Parameter(p.detach(), requires_grad=p.is_floating_point())
    return copy.deepcopy(model, shared)


def fold_(model: nn.Module, output: Tensor) -> int:
    """Fold all normalizations that can be folded, in place: they become the identity.

    Args:
        model: a `shadow`, in evaluation mode.
        output: the output of a run of the model.

    Returns:
        The number of normalizations folded.
    """
    pairs = list(_pairs(model, output))
    for convolution, norm in pairs:
        convolution.weight, convolution.bias = map(nn.Parameter, _folded(convolution, norm))
        vars(norm)["forward"] = _identity
    return len(pairs)


def _folded(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return W', its channels last in memory, and b'; computed in double precision."""
    tensors = (convolution.weight, norm.weight, norm.bias, norm.running_mean, norm.running_var)
    w, gamma, beta, mean, variance = (t.detach().double() for t in tensors if t is not None)
    scale = gamma / (variance + norm.eps).sqrt()
    b = 0 if convolution.bias is None else convolution.bias.detach().double()
    weight = (w * scale.view(-1, 1, 1, 1)).to(convolution.weight)
    bias = (scale * (b - mean) + beta).to(convolution.weight)
    return weight.contiguous(memory_format=torch.channels_last), bias


def _pairs(model: nn.Module, output: Tensor) -> Iterator[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Yield each convolution whose output only a normalization uses, and that normalization."""
    modules = [module for module in model.modules() if not _is_watched(module)]
    convolutions = {id(m.weight): m for m in modules if isinstance(m, nn.Conv2d)}
    plain = [m for m in modules if type(m) is nn.BatchNorm2d and m.affine and m.track_running_stats]
    norms = {id(m.weight): m for m in plain if not m.training}  # a pass can set training
    uses = _uses(output)
    for node in uses:
        if "BatchNorm" not in node.name():
            continue
        before = node.next_functions[0][0]
        norm = norms.get(_weight(node, uses))
        if norm is None or before.name() != "ConvolutionBackward0" or uses[before] > 1:
            continue
        convolution = convolutions.get(_weight(before, uses))
        if convolution is not None:
            yield convolution, norm


def _is_watched(module: nn.Module) -> bool:
    """Tell whether a hook or a replaced `forward` can see or change inputs or outputs."""
    hooked = module._forward_hooks or module._forward_pre_hooks
    return bool(hooked) or "forward" in vars(module)


def _weight(node: Any, uses: Counter[Any]) -> int:
    """Return the id of the parameter that a node multiplies with; 0 if other nodes use it too."""
    leaf = node.next_functions[1][0]
    if leaf is None or not hasattr(leaf, "variable") or uses[leaf] > 1:
        return 0
    return id(leaf.variable)


def _uses(output: Tensor) -> Counter[Any]:
    """Count the uses of each node of an autograd graph by other nodes; the last node has 0."""
    if output.grad_fn is None:  # a network without parameters
        return Counter()
    uses: Counter[Any] = Counter({output.grad_fn: 0})
    open_nodes = [output.grad_fn]
    while open_nodes:
        for node, _ in open_nodes.pop().next_functions:
            if node is not None:
                if node not in uses:
                    open_nodes.append(node)
                uses[node] += 1
    return uses


def _identity(x: Tensor) -> Tensor:
    return x
