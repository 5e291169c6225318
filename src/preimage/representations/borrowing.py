"""A network on loan: in evaluation mode on a device, and left as it was afterwards.

Several Python threads may use one network, or networks that share submodules, at the same time.
The first use of a module or parameter notes its state, and the end of the last use restores it.

>>> network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
>>> with evaluation_mode(network, torch.device("cpu")):
...     network.training, network[0].weight.requires_grad
(False, False)
>>> network.training, network[0].weight.requires_grad
(True, True)
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from preimage.representations.execution import AUTO

RUNNING = threading.RLock()
"""The lock of every thread that changes networks, or runs one that other threads can see."""


@contextmanager
def evaluation_mode(network: nn.Module, device: torch.device) -> Iterator[None]:
    """Put a network in evaluation mode on a device, without parameter gradients.

    A user's autocast or inference mode does not apply in the block. After the block, modes,
    gradients, each `requires_grad`, buffers and the device are restored.

    Raises:
        ValueError: if a parameter or buffer has no values, if the device is "meta", or if another
            thread uses the network on another device.
    """
    check_values(network)
    AUTO.check(device)
    with ordinary_torch(), ExitStack() as undo:
        with RUNNING:
            _lend(network, undo)
            _move(network, device, undo)
        yield


@contextmanager
def ordinary_torch() -> Iterator[None]:
    """Compute in the block as outside of a user's autocast and inference mode.

    >>> with torch.autocast("cpu", torch.bfloat16), ordinary_torch():
    ...     (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
    torch.float32
    """
    with ExitStack() as undo:
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                undo.enter_context(torch.autocast(kind, enabled=False))
        if torch.is_inference_mode_enabled():
            undo.enter_context(torch.inference_mode(False))
            undo.enter_context(torch.set_grad_enabled(False))
        yield


def check_values(network: nn.Module) -> None:
    """Raise a ValueError that names a parameter or buffer without values, if there is one."""
    for name, tensor in chain(network.named_parameters(), network.named_buffers()):
        label = f"{name} of {type(network).__name__}"
        if is_lazy(tensor):
            raise ValueError(f"{label} has no shape yet: run the lazy network on an image first")
        if tensor.is_meta:
            raise ValueError(f"{label} is on the device meta, without values: load weights first")


def device_of(network: nn.Module) -> torch.device | None:
    """Return the device of a network; None if it has several, or no parameters and buffers."""
    devices = {tensor.device for tensor in tensors(network)}
    return devices.pop() if len(devices) == 1 else None


def tensors(network: nn.Module) -> Iterator[Tensor]:
    """Yield the parameters and buffers of a network."""
    return chain(network.parameters(), network.buffers())


@contextmanager
def kept_buffers(network: nn.Module) -> Iterator[None]:
    """Restore the buffers of a network after the block, whatever a pass has written."""
    with ExitStack() as undo:
        for module in network.modules():
            undo.callback(_keep_tensors(module))
        yield


@dataclass(slots=True)
class _Loan:
    """A module or parameter in use: by which threads, and how to restore it after the last use.

    A reference to the object is held, so that no other object can get its id.
    """

    held: nn.Module | Tensor
    users: list[int] = field(default_factory=list)
    restore: Callable[[], None] = lambda: None


_LOANS: dict[int, _Loan] = {}


def _lend(network: nn.Module, undo: ExitStack) -> None:
    """Note the state of all modules and parameters not in use yet, then change all of them."""
    clones: dict[int, Tensor] = {}
    items: list[nn.Module | nn.Parameter] = [*network.modules(), *network.parameters()]
    for item in items:
        loan = _LOANS.setdefault(id(item), _Loan(item))
        if not loan.users:
            if isinstance(item, nn.Module):
                loan.restore = _keep_module(item, clones)
            else:
                loan.restore = _keep_parameter(item)
        loan.users.append(threading.get_ident())
        undo.callback(_give_back, loan)
    for module in network.modules():
        module.training = False
    for parameter in network.parameters():
        parameter.grad = None
        parameter.requires_grad_(False)


def _give_back(loan: _Loan) -> None:
    with RUNNING:
        loan.users.remove(threading.get_ident())
        if not loan.users:
            del _LOANS[id(loan.held)]
            loan.restore()


def _keep_module(module: nn.Module, clones: dict[int, Tensor]) -> Callable[[], None]:
    """Return a function that restores the mode and the tensors of a module.

    Tensors made in inference mode are replaced by clones, which can take part in gradients.
    """
    training, restore_tensors = module.training, _keep_tensors(module)
    for table in (module._parameters, module._buffers):
        for name, tensor in table.items():
            if tensor is not None and tensor.is_inference():
                clone = clones.setdefault(id(tensor), _ordinary(tensor))
                table[name] = clone  # type: ignore[assignment]

    def restore() -> None:
        module.training = training
        restore_tensors()

    return restore


def _ordinary(tensor: Tensor) -> Tensor:
    clone = tensor.detach().clone()
    return nn.Parameter(clone, requires_grad=False) if isinstance(tensor, nn.Parameter) else clone


def _keep_tensors(module: nn.Module) -> Callable[[], None]:
    """Return a function that restores a module's tensors and the values of its buffers."""
    parameters, buffers = dict(module._parameters), dict(module._buffers)
    values = {name: None if b is None else b.detach().clone() for name, b in buffers.items()}

    def restore() -> None:
        for table, kept in ((module._parameters, parameters), (module._buffers, buffers)):
            for name, tensor in kept.items():
                if name not in table or table[name] is not tensor:
                    table[name] = tensor  # type: ignore[assignment]
        for name, buffer in buffers.items():
            if buffer is not None:
                _write(buffer, values[name])

    return restore


def _write(buffer: Tensor, value: Tensor | None) -> None:
    """Give a buffer back its earlier value, unless it still has that value."""
    if value is None:
        return
    kinds = [(t.shape, t.dtype, t.device) for t in (buffer, value)]
    if kinds[0] != kinds[1]:  # as observers do, which resize their buffers
        buffer.data = value
    elif not torch.equal(buffer, value):
        with torch.inference_mode(buffer.is_inference()), torch.no_grad():
            buffer.copy_(value)


def _keep_parameter(parameter: nn.Parameter) -> Callable[[], None]:
    gradient, requires_grad = parameter.grad, parameter.requires_grad

    def restore() -> None:
        if not parameter.is_inference():
            parameter.requires_grad_(requires_grad)
            parameter.grad = gradient

    return restore


def _move(network: nn.Module, device: torch.device, undo: ExitStack) -> None:
    """Move a network to the device; move it back after the last use, or after a nested one."""
    home, loan = device_of(network), _LOANS[id(network)]
    if home is None or home == device:
        return
    if any(user != threading.get_ident() for user in loan.users):
        raise ValueError(
            f"another thread uses {type(network).__name__} on {home}: use one device at a time, "
            "or give each thread a network of its own"
        )
    if len(loan.users) > 1:
        undo.callback(network.to, home)
    else:
        restore = loan.restore
        loan.restore = lambda: (network.to(home), restore())[-1]
    network.to(device)
