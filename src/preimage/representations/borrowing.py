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

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from preimage.representations.execution import AUTO
from preimage.representations.kept_state import keep_attributes, keep_tensors, keep_weight
from preimage.representations.network_error import NetworkError, own_words

RUNNING = threading.RLock()
"""The lock of every thread that changes networks, or runs one that other threads can see."""
if hasattr(os, "register_at_fork"):  # a copy of this process must not wait for another thread
    os.register_at_fork(
        before=RUNNING.acquire,
        after_in_parent=RUNNING.release,
        after_in_child=RUNNING.release,
    )


@contextmanager
def evaluation_mode(network: nn.Module, device: torch.device) -> Iterator[None]:
    """Put a network in evaluation mode on a device, without parameter gradients.

    A user's autocast or inference mode does not apply in the block. Networks whose `train` or
    `eval` does more than to set modes are put in evaluation mode by it, and back by `train`.
    After the block, modes, gradients, each `requires_grad`, buffers, attributes and the device
    are restored. The values of parameters are restored only if `train` or `eval` changed them.

    Raises:
        NetworkError: if an own `train` or `eval` of the network raises anything.
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
    # Restored in reverse: first the network, which brings all back to its own device.
    items: list[nn.Module | nn.Parameter]
    items = [*network.parameters(), *reversed([*network.modules()])]
    switching = [m for m in network.modules() if m.training and _switches(m)]
    for item in items:
        loan = _LOANS.setdefault(id(item), _Loan(item))
        if not loan.users:
            if isinstance(item, nn.Module):
                loan.restore = _keep_module(item, clones)
            else:
                loan.restore = _keep_parameter(item, with_value=bool(switching))
        loan.users.append(threading.get_ident())
        undo.callback(_give_back, loan)
    if switching:
        _switch(network, switching, undo)
    for module in network.modules():
        module.training = False
    for parameter in network.parameters():
        parameter.grad = None
        parameter.requires_grad_(False)


def _switches(module: nn.Module) -> bool:
    """Tell whether a module's `train` or `eval` may do more than to set modes."""
    kind, own = type(module), vars(module)
    if isinstance(module, torch.jit.ScriptModule):
        return False
    plain = kind.train is nn.Module.train and kind.eval is nn.Module.eval
    return not plain or "train" in own or "eval" in own


def _switch(network: nn.Module, switching: list[nn.Module], undo: ExitStack) -> None:
    """Call `eval` of a network; in `undo`, call `train` of modules that nobody else uses then."""

    def back() -> None:
        with RUNNING:
            for module in switching:
                if all(len(_LOANS[id(inner)].users) == 1 for inner in module.modules()):
                    _call(module.train)

    undo.callback(back)
    _call(network.eval)


def _call(switch: Callable[[], object]) -> None:
    try:
        switch()
    except NotImplementedError:
        pass  # a program of torch.export, which has no modes
    except Exception as error:  # the user's own code
        name = getattr(switch, "__qualname__", "eval")
        raise NetworkError(f"{name} fails: {own_words(error)}") from error


def _give_back(loan: _Loan) -> None:
    with RUNNING:
        loan.users.remove(threading.get_ident())
        if not loan.users:
            del _LOANS[id(loan.held)]
            loan.restore()


def _keep_module(module: nn.Module, clones: dict[int, Tensor]) -> Callable[[], None]:
    """Return a function that restores the mode, the tensors and the attributes of a module.

    Tensors made in inference mode are replaced by clones, which can take part in gradients.
    """
    training = module.training
    restore_tensors, restore_attributes = keep_tensors(module), keep_attributes(module)
    for table in (module._parameters, module._buffers):
        for name, tensor in table.items():
            if tensor is not None and tensor.is_inference():
                clone = clones.setdefault(id(tensor), _ordinary(tensor))
                table[name] = clone  # type: ignore[assignment]

    def restore() -> None:
        module.training = training
        restore_tensors()
        restore_attributes()

    return restore


def _ordinary(tensor: Tensor) -> Tensor:
    clone = tensor.detach().clone()
    return nn.Parameter(clone, requires_grad=False) if isinstance(tensor, nn.Parameter) else clone


def _keep_parameter(parameter: nn.Parameter, *, with_value: bool) -> Callable[[], None]:
    gradient, requires_grad = parameter.grad, parameter.requires_grad
    restore_value = keep_weight(parameter) if with_value else None

    def restore() -> None:
        if restore_value is not None:
            restore_value()
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
