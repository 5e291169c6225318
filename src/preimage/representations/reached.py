"""The layers that a forward pass of a network reaches, which are those that can be chosen.

>>> chain = nn.Sequential(nn.Conv2d(3, 8, 5), nn.Flatten())
>>> list(reached(chain, lambda: chain(torch.zeros(1, 3, 9, 9))))
['0', '1']
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from preimage.names import unknown
from preimage.representations.foreign_modules import advice, takes_hooks
from preimage.representations.layer_path import LayerPath, submodule, tensors_inside
from preimage.representations.operations import Operations


def called(network: nn.Module, run: Callable[[], object]) -> dict[str, Any]:
    """Return the outputs of the submodules that a run calls, by name, in order of their ends.

    If a module is called several times, its first output is returned. `run` calls the network.
    """
    outputs: dict[str, Any] = {}

    def note(name: str, module: nn.Module, inputs: Any, output: Any) -> None:
        outputs.setdefault(name, output)

    modules = {name: module for name, module in network.named_modules() if name}
    named = [name for name, module in modules.items() if takes_hooks(module)]
    with ExitStack() as undo, torch.no_grad():
        for name in named:
            hook = modules[name].register_forward_hook(partial(note, name))
            undo.callback(hook.remove)
        run()
    return outputs


def reached(network: nn.Module, run: Callable[[], object]) -> dict[str, Any]:
    """Return the outputs of the submodules that a run calls, by name, in order of registration."""
    outputs = called(network, run)
    return {name: outputs[name] for name, _ in network.named_modules() if name in outputs}


def choices(outputs: dict[str, Any]) -> list[str]:
    """Return the names of layers that are tensors: submodules, or tensors inside their outputs."""
    return [name for module, value in outputs.items() for name, _ in tensors_inside(module, value)]


def unreached(network: nn.Module, path: LayerPath, run: Callable[[], object]) -> ValueError:
    """Return the error for a layer that a run does not reach; it names layers that are reached."""
    words = f"layer {path.name!r} is not reached by the forward pass"
    if (hint := advice(network)) is not None:
        return ValueError(f"{words}: {hint}")
    outputs = reached(network, run)
    owner = path.module
    if path.operation is not None and (not owner or owner in outputs):
        names = _operations(submodule(network, owner), run)
        does = unknown("operation", path.operation, names) if names else "it does none"
        nested = "; those of a submodule have its name before them" if not owner else ""
        return ValueError(f"{words}: of the operations of {owner or 'the network'}, {does}{nested}")
    if path.call > 1 and owner in outputs:
        return ValueError(f"{words}: {owner} is called fewer than {path.call} times")
    while owner and owner not in outputs:
        owner = owner.rpartition(".")[0]
    inside = [name for name, _ in tensors_inside(owner, outputs[owner])] if owner else []
    if inside:
        return ValueError(f"{words}, unlike {inside[0]}")
    near = unknown("layer that is reached", path.name, choices(outputs))
    return ValueError(f"{words}: {near}")


def _operations(module: nn.Module, run: Callable[[], object]) -> list[str]:
    """Return the names of the operations of a module's own code in its first call."""
    names: list[str] = []

    def note(name: str, call: int, output: Any) -> None:
        inside = isinstance(output, Tensor) or any(isinstance(part, Tensor) for part in output)
        if call == 1 and inside:
            names.append(name)

    with Operations(module, note), torch.no_grad():
        run()
    return names
