"""A network that recomputes its activations in the backward pass: less memory for more time.

Between forward and backward pass only the tensors between segments of the network are kept
(Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016). A segment is a block,
such as a residual one, or about sqrt(n) neighbors among n plain layers.

>>> chain = nn.Sequential(*[nn.Conv2d(3, 3, 3) for _ in range(9)])
>>> checkpoint_(chain, ["7"])
>>> [type(child).__name__ for child in chain][:4]
['Identity', 'Identity', '_Segment', 'Identity']
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from torch import nn
from torch.utils.checkpoint import checkpoint

from preimage.representations.forward_until import is_chain


def checkpoint_(module: nn.Module, layers: Sequence[str]) -> None:
    """Cut a network, in place, into segments that the backward pass recomputes.

    The module must be a copy that nobody else uses, with frozen weights. A segment ends at each
    of the submodules `layers`, so that they keep their dotted names.
    """
    for submodule in module.modules():  # the kept inputs of segments must not change
        if getattr(submodule, "inplace", False):
            vars(submodule)["inplace"] = False
    _cut(module, layers)


def _cut(module: nn.Module, wanted: Sequence[str]) -> None:
    """Cut the module and the chains inside it; a segment ends at each submodule in `wanted`."""
    inside: dict[str, list[str]] = {}
    for name in wanted:
        head, _, tail = name.partition(".")
        inside.setdefault(head, []).extend([tail] if tail else [])
    plain: list[str] = []
    longest = math.ceil(math.sqrt(len(module._modules)))
    for key, child in module._modules.items():
        if child is None:
            continue
        if inside.get(key) or is_chain(child) or isinstance(child, nn.ModuleList | nn.ModuleDict):
            _cut(child, inside.get(key, []))
        elif child._modules:
            vars(child)["forward"] = _recomputed(child.forward)
        elif is_chain(module):
            plain.append(key)
            if key not in inside and len(plain) < longest:
                continue
        _join(module, plain)
        plain.clear()
    _join(module, plain)


def _join(chain: nn.Module, keys: Sequence[str]) -> None:
    """Join neighbors in a chain to one segment, which takes the name of the last neighbor."""
    if keys:
        segment = _Segment(*(chain.get_submodule(key) for key in keys))
        chain._modules.update({key: nn.Identity() for key in keys})
        chain._modules[keys[-1]] = segment


class _Segment(nn.Sequential):
    def forward(self, x: Any) -> Any:
        return _recomputed(super().forward)(x)


def _recomputed(forward: Any) -> Any:
    return partial(checkpoint, forward, use_reentrant=False, preserve_rng_state=False)
