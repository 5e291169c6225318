"""The last map that a layer is computed from: the reach of a layer without a map is that map's."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from torch import Tensor, nn


def last_map(network: nn.Module, run: Callable[[], object]) -> str | None:
    """Return the name of the last submodule whose output is a map, the outermost if several are.

    A map is (N, K, H', W') with more than one response along both axes; `run` calls the network.

    >>> import torch
    >>> head = nn.Sequential(nn.Conv2d(3, 4, 9), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    >>> last_map(head, lambda: head(torch.zeros(1, 3, 32, 32)))
    '0'
    """
    maps: list[str] = []

    def note(name: str, module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.ndim == 4 and min(output.shape[2:]) > 1:
            maps.append(name)

    with ExitStack() as undo:
        for name, module in network.named_modules():
            if name:
                undo.callback(module.register_forward_hook(partial(note, name)).remove)
        run()
    return maps[-1] if maps else None
