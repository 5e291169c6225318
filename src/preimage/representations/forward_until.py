"""A forward pass of a network that ends at the last of the layers that are asked for.

If a layer lies in a chain (an `nn.Sequential`, perhaps inside another), only the modules up
to it are called. Otherwise the network is called, and an exception that a hook raises ends
the call as soon as the last of the layers has returned.

>>> import torch
>>> chain = nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU(), nn.Flatten(), nn.Linear(1, 1))
>>> found = forward_until(chain, torch.zeros(1, 3, 9, 9), ["1", "0"])
>>> {name: tuple(output.shape) for name, output in found.items()}
{'0': (1, 8, 5, 5), '1': (1, 8, 5, 5)}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from torch import Tensor, nn


class _Reached(BaseException):  # so that no `except Exception` of a network can catch it
    """The signal of a hook that the last of the layers has returned."""


def forward_until(network: nn.Module, x: Tensor, layers: Sequence[str]) -> dict[str, Any]:
    """Return the outputs of the submodules `layers` by name, without any that are not reached."""
    return _run(network, x, layers, whole=False)[1]


def check_outputs(
    network: nn.Module, found: Mapping[str, Any], layers: Sequence[str]
) -> dict[str, Tensor]:
    """Return the outputs in the order of `layers`, all of them tensors.

    Raises:
        ValueError: if a layer was not reached, or did not return a tensor.
    """
    for layer in layers:
        if layer not in found:
            raise ValueError(f"layer {layer!r} is not reached by the forward pass")
        output = found[layer]
        if not isinstance(output, Tensor):
            kind = type(output).__name__
            if isinstance(output, tuple | list | dict):
                kind += f" of {len(output)}"
            inside = [name for name, _ in network.get_submodule(layer).named_modules() if name]
            choice = f"a layer inside, such as {layer}.{inside[-1]}" if inside else "another layer"
            raise ValueError(f"layer {layer!r} returns a {kind}, not one tensor: choose {choice}")
    return {layer: found[layer] for layer in layers}


def is_chain(module: nn.Module) -> bool:
    """Tell whether a call of `module` is nothing but calls of its children in turn."""
    hooked = module._forward_hooks or module._forward_pre_hooks
    return type(module).forward is nn.Sequential.forward and not hooked


_Results = tuple[Any, dict[str, Any]]


def _run(module: nn.Module, x: Any, wanted: Sequence[str], whole: bool) -> _Results:
    """Return the output of `module`, and the outputs of its submodules `wanted` by name.

    Unless `whole`, nothing after the last wanted submodule runs. Outputs that a later module
    might change in place are copied.
    """
    if not wanted:
        return module(x), {}
    if not is_chain(module):
        return _watch(module, x, wanted, whole)
    inside: dict[str, list[str]] = {}
    for name in wanted:
        head, _, tail = name.partition(".")
        inside.setdefault(head, []).append(tail)
    found: dict[str, Any] = {}
    for key, child in module._modules.items():
        if child is None:
            continue
        tails = inside.pop(key, [])
        goes_on = whole or bool(inside)
        x, deeper = _run(child, x, list(filter(None, tails)), goes_on or "" in tails)
        found |= {f"{key}.{tail}": output for tail, output in deeper.items()}
        if "" in tails:
            found[key] = _copy(x) if goes_on else x
        if not goes_on:
            break
    return x, found


def _watch(module: nn.Module, x: Any, wanted: Sequence[str], whole: bool) -> _Results:
    """Do the work of `_run` by hooks, for a module that is no chain."""
    found: dict[str, Any] = {}

    def note(name: str, module: nn.Module, inputs: Any, output: Any) -> None:
        if name in found:
            return
        last = len(found) == len(wanted) - 1 and not whole
        found[name] = output if last else _copy(output)
        if last:
            raise _Reached

    with ExitStack() as undo:
        for name in wanted:
            hook = module.get_submodule(name).register_forward_hook(partial(note, name))
            undo.callback(hook.remove)
        try:
            x = module(x)
        except _Reached:
            x = None
    return x, found


def _copy(output: Any) -> Any:
    return output.clone() if isinstance(output, Tensor) else output
