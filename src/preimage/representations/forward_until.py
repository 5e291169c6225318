"""A forward pass of a network that ends at the last requested layer.

If a layer lies in a chain (an `nn.Sequential`, perhaps inside another), only the modules up
to it are called. Otherwise the network is called, and an exception that a hook raises ends
the call as soon as the last of the layers has returned. `layer_path` says how layers are named.

>>> import torch
>>> chain = nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU(), nn.Flatten(), nn.Linear(1, 1))
>>> found = forward_until(chain, torch.zeros(1, 3, 9, 9), ["1", "0"])
>>> {name: tuple(output.shape) for name, output in found.items()}
{'0': (1, 8, 5, 5), '1': (1, 8, 5, 5)}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules import module as torch_module

from preimage.representations.foreign_modules import (
    SCRIPTED,
    children,
    is_scripted_chain,
    takes_hooks,
)
from preimage.representations.layer_path import LayerPath, refusal, submodule
from preimage.representations.operations import Operations
from preimage.representations.reached import unreached

_CALL, _FORWARD, _ITERATE = nn.Module.__call__, nn.Sequential.forward, nn.Sequential.__iter__
_GLOBAL_HOOKS = [
    hooks
    for name, hooks in vars(torch_module).items()
    if name.startswith("_global_") and name.endswith("_hooks")
]


class _Reached(BaseException):  # so that no `except Exception` of a network can catch it
    """The signal of a hook that the last of the layers has returned."""


def forward_until(
    network: nn.Module, x: Tensor, layers: Sequence[str], inputs: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the values of the layers by name.

    If a layer is not reached, or cannot be picked from a module's output, its value is a
    ValueError that says why; it is returned, not raised. `inputs` are further inputs of the
    network, by keyword.
    """
    paths = [LayerPath.parse(network, name) for name in layers]
    wanted = [(path.module, path) for path in paths]
    if inputs or any(path.call > 1 for path in paths):
        found = _watch(network, x, wanted, whole=False, inputs=inputs)[1]
    else:
        found = _run(network, x, wanted, whole=False)[1]
    for path in paths:
        if path.name not in found:
            run = partial(network, x, **(inputs or {}))
            found[path.name] = unreached(network, path, run)
    return found


def check_outputs(
    network: nn.Module, found: Mapping[str, Any], layers: Sequence[str]
) -> dict[str, Tensor]:
    """Return the outputs in the order of `layers`, all of them tensors.

    Raises:
        ValueError: if a layer was not reached, or did not return a tensor of real numbers.
    """
    for layer in layers:
        output = found[layer]
        if isinstance(output, ValueError):
            raise output
        if not isinstance(output, Tensor):
            raise refusal(LayerPath.parse(network, layer), output)
        if output.is_complex():
            raise ValueError(
                f"layer {layer!r} returns complex numbers, but losses need real ones: let the "
                "network return real and imaginary parts (torch.view_as_real)"
            )
    return {layer: found[layer] for layer in layers}


def is_chain(module: nn.Module) -> bool:
    """Tell whether a call of `module` only calls its children in turn.

    A module with hooks, or with a replaced `forward`, does not count as a chain.
    """
    if isinstance(module, torch.jit.ScriptModule):
        return is_scripted_chain(module)
    kind, own = type(module), vars(module)
    return (
        kind.forward is _FORWARD
        and nn.Module.__call__ is kind.__call__ is _CALL
        and getattr(kind, "__iter__", None) is _ITERATE
        and "forward" not in own
        and module._compiled_call_impl is None
        and not (module._forward_hooks or module._forward_pre_hooks)
        and not (module._backward_hooks or module._backward_pre_hooks)
        and not any(_GLOBAL_HOOKS)
    )


_Wanted = Sequence[tuple[str, LayerPath]]
"""Layers, each with the dotted name of its module relative to the current one."""
_Results = tuple[Any, dict[str, Any]]


def _run(module: nn.Module, x: Any, wanted: _Wanted, whole: bool) -> _Results:
    """Return the output of `module`, and the values of the layers `wanted` by name.

    Unless `whole`, nothing after the last wanted layer runs. Outputs that a later module
    might change in place are copied.
    """
    if not wanted:
        return module(x), {}
    if not is_chain(module) or any(not inside for inside, _ in wanted):
        return _watch(module, x, wanted, whole)
    by_child: dict[str, list[tuple[str, LayerPath]]] = {}
    for name, path in wanted:
        head, _, tail = name.partition(".")
        by_child.setdefault(head, []).append((tail, path))
    found: dict[str, Any] = {}
    for key, child in children(module):
        if child is None:
            continue
        here = by_child.pop(key, [])
        inputs = [path for tail, path in here if not tail and path.takes_input]
        outputs = [path for tail, path in here if not tail and _is_output(path)]
        deeper = [(tail, path) for tail, path in here if path not in inputs + outputs]
        goes_on = whole or bool(by_child)
        runs = goes_on or bool(outputs or deeper)
        found |= {path.name: _copy(path.pick(x)) if runs else path.pick(x) for path in inputs}
        if not runs:
            break
        x, inner = _run(child, x, deeper, goes_on or bool(outputs))
        found |= inner
        for path in outputs:
            value = path.pick(x)
            found[path.name] = _copy(value) if goes_on else value
        if not goes_on:
            break
    return x, found


def _is_output(path: LayerPath) -> bool:
    """Tell whether a layer is its module's output, or an item or field of it."""
    return not path.takes_input and path.operation is None


def _watch(
    module: nn.Module,
    x: Any,
    wanted: _Wanted,
    whole: bool,
    inputs: Mapping[str, Any] | None = None,
) -> _Results:
    """Do the work of `_run` by hooks, for a module that is no chain or has further inputs."""
    found: dict[str, Any] = {}
    if not takes_hooks(module):
        y = module(x, **(inputs or {}))
        ends = [path for name, path in wanted if not name and path.operation is None]
        return y, {path.name: path.pick(x if path.takes_input else y) for path in ends}

    def keep(path: LayerPath, value: Any) -> None:
        if path.name in found:
            return
        last = len(found) == len(wanted) - 1 and not whole
        found[path.name] = value if last else _copy(value)
        if last:
            raise _Reached

    with ExitStack() as undo:
        for name, path in wanted:
            _hook(submodule(module, name), path, keep, undo)
        try:
            x = module(x, **(inputs or {}))
        except _Reached:
            x = None
    return x, found


def _hook(
    module: nn.Module, path: LayerPath, keep: Callable[[LayerPath, Any], None], undo: ExitStack
) -> None:
    """Make `module` call `keep` with the value of a layer once it is computed, until `undo`."""
    calls = 0

    def before(module: nn.Module, inputs: Any, named: dict[str, Any]) -> None:
        nonlocal calls
        calls += 1
        if calls == path.call:
            keep(path, path.pick(next(iter([*inputs, *named.values()]), None)))

    def after(module: nn.Module, inputs: Any, output: Any) -> None:
        nonlocal calls
        calls += 1
        value = path.pick(output) if calls == path.call else None
        if calls == path.call and not (path.operation and isinstance(value, ValueError)):
            keep(path, value)

    def operation(name: str, call: int, output: Any) -> None:
        if name == path.operation and call == path.call:
            keep(path, path.pick(output, skip=1))

    if not takes_hooks(module):
        raise ValueError(f"layer {path.name!r} cannot be watched: {SCRIPTED}")
    if path.takes_input:
        undo.callback(module.register_forward_pre_hook(before, with_kwargs=True).remove)
    else:
        undo.callback(module.register_forward_hook(after).remove)
    if path.operation is not None:
        undo.enter_context(Operations(module, operation))


def _copy(output: Any) -> Any:
    return output.clone() if isinstance(output, Tensor) else output
