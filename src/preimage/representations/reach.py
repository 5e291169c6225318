"""The last map that a layer is computed from, by which a layer without a map is judged.

A class score sees all of its image, and would see more of a larger one. Its reach, rho of
section 6, is therefore that of the last map before it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn


def last_map(network: nn.Module, run: Callable[[], object]) -> str | None:
    """Return the name of the last submodule whose output is a map, the outermost if several are.

    A map is (N, K, H', W') with more than one response along both axes.

    Args:
        network: the network.
        run: calls the network, up to the layer in question.

    >>> import torch
    >>> head = nn.Sequential(nn.Conv2d(3, 4, 9), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    >>> last_map(head, lambda: head(torch.zeros(1, 3, 32, 32)))
    '0'
    """
    maps: list[str] = []

    def watch(name: str) -> Any:
        def note(module: nn.Module, inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.ndim == 4 and min(output.shape[2:]) > 1:
                maps.append(name)

        return note

    named = [(name, module) for name, module in network.named_modules() if name]
    handles = [module.register_forward_hook(watch(name)) for name, module in named]
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    return maps[-1] if maps else None
