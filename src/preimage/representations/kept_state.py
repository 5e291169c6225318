"""Values and attributes of a network, noted before a pass through it and restored afterwards.

>>> network = nn.Linear(2, 1)
>>> before = network.weight.detach().clone()
>>> with kept_state(network), torch.no_grad():
...     _ = network.weight.zero_()
...     network.cache = torch.zeros(3)
>>> torch.equal(network.weight, before), hasattr(network, "cache")
(True, False)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from contextlib import ExitStack, contextmanager
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

_OF_TORCH = frozenset(vars(nn.Module()))
"""The attributes that every module has: its tables of tensors, submodules and hooks, its mode."""


@contextmanager
def kept_state(network: nn.Module) -> Iterator[list[Callable[[], bool]]]:
    """Restore a network after the block: parameters, buffers and plain attributes.

    Of attributes that are dicts, lists or sets, the entries are restored, too. Modes and hooks
    are left as they are.

    Yields:
        A list that holds, after the block, a function for each parameter that was written: it
        restores the parameter, as has been done already.
    """
    with kept_buffers(network), kept_weights(network) as written:
        yield written


@contextmanager
def kept_buffers(network: nn.Module) -> Iterator[None]:
    """Restore buffers and attributes after the block, but no values of parameters."""
    with ExitStack() as undo:
        for module in network.modules():
            undo.callback(keep_tensors(module))
            undo.callback(keep_attributes(module))
        yield


@contextmanager
def kept_weights(network: nn.Module) -> Iterator[list[Callable[[], bool]]]:
    """Restore the values of parameters after the block; for what it yields see `kept_state`."""
    kept = [keep_weight(parameter) for parameter in network.parameters()]
    written: list[Callable[[], bool]] = []
    try:
        yield written
    finally:
        written += [restore for restore in kept if restore()]


def weights_mark(network: nn.Module) -> tuple[Any, ...]:
    """Return a mark of the parameters; most ways to write them change it, and all optimizers do."""
    return tuple(
        (id(p), p.data_ptr(), 0 if p.is_inference() else p._version) for p in network.parameters()
    )


def keep_weight(parameter: nn.Parameter) -> Callable[[], bool]:
    """Return a function that restores a parameter's value, and tells whether it had changed."""
    data, value = parameter.data, parameter.detach().clone()

    def restore() -> bool:
        moved = parameter.data_ptr() != data.data_ptr()
        if moved:
            parameter.data = data
        return write(parameter, value) or moved

    return restore


def keep_tensors(module: nn.Module) -> Callable[[], None]:
    """Return a function that restores a module's tensors and the values of its buffers."""
    parameters, buffers = dict(module._parameters), dict(module._buffers)
    values = [(b, b.detach().clone()) for b in buffers.values() if b is not None]

    def restore() -> None:
        _restore_entries(module._parameters, parameters)
        _restore_entries(module._buffers, buffers)
        for buffer, value in values:
            write(buffer, value)

    return restore


def keep_attributes(module: nn.Module) -> Callable[[], None]:
    """Return a function that restores a module's plain attributes and its submodules."""
    if isinstance(module, torch.jit.ScriptModule):  # it holds them outside of Python
        return lambda: None
    submodules = dict(module._modules)
    attributes = {name: v for name, v in vars(module).items() if name not in _OF_TORCH}
    containers = [(v, v.copy()) for v in attributes.values() if type(v) in (dict, list, set)]

    def restore() -> None:
        _restore_entries(module._modules, submodules)
        for name in [n for n in vars(module) if n not in _OF_TORCH and n not in attributes]:
            del vars(module)[name]
        for name, value in attributes.items():
            if name not in vars(module) or vars(module)[name] is not value:
                vars(module)[name] = value
        for container, entries in containers:
            _restore_container(container, entries)

    return restore


def _restore_entries(table: MutableMapping[str, Any], kept: dict[str, Any]) -> None:
    for name, value in kept.items():
        if name not in table or table[name] is not value:
            table[name] = value
    for name in set(table.keys()) - kept.keys():  # tables of TorchScript cannot be iterated over
        del table[name]


def _restore_container(container: Any, entries: Any) -> None:
    """Give a dict, list or set its earlier entries, unless it still has them."""
    if _identities(container) != _identities(entries):
        container.clear()
        container.extend(entries) if isinstance(container, list) else container.update(entries)


def _identities(container: Any) -> list[int]:
    inside = chain.from_iterable(container.items()) if isinstance(container, dict) else container
    return [id(value) for value in inside]


def write(tensor: Tensor, value: Tensor) -> bool:
    """Give a tensor back its earlier value; return whether it had another one."""
    kinds = [(t.shape, t.dtype, t.device) for t in (tensor, value)]
    if kinds[0] != kinds[1]:  # as observers do, which resize their buffers
        tensor.data = value
    elif torch.equal(tensor, value):
        return False
    else:
        with torch.inference_mode(tensor.is_inference()), torch.no_grad():
            tensor.copy_(value)
    return True
