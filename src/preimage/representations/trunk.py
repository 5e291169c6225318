"""A network of any kind, run up to one of its submodules, and kept as it was.

Where the layer lies in a chain (an `nn.Sequential`, perhaps inside another), only the
modules up to it are called. Elsewhere the whole network is called, and an exception that
a hook raises ends the call as soon as the layer has returned.

For a run of many calls the network is replaced by a copy of its modules that computes the
same faster: see `Trunk.hastened`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from difflib import get_close_matches
from typing import Any, NoReturn

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from preimage.representations.folding import fold_, shadow

_SAME = 1e-4
"""How far the output of a hastened network may be from the plain one's, as ||.|| / ||.||."""


class _Reached(BaseException):  # so that no `except Exception` of a network can catch it
    """The layer has returned."""

    def __init__(self, output: Any) -> None:
        super().__init__()
        self.output = output


class Trunk:
    """The part of a network that computes the output of one of its submodules.

    It is no `nn.Module` itself, so that nobody else registers, converts or saves the network
    with it.

    Args:
        model: the network.
        layer: dotted name of a submodule, as `model.named_modules()` has it.

    Raises:
        ValueError: if there is no such submodule; the nearest names are offered.
    """

    def __init__(self, model: nn.Module, layer: str) -> None:
        known = [name for name, _ in model.named_modules(remove_duplicate=False) if name]
        if layer not in known:
            near = get_close_matches(layer, known, n=3)
            offered = " or ".join(map(repr, near)) if near else "one of " + ", ".join(known[:12])
            raise ValueError(f"{type(model).__name__} has no layer {layer!r}: try {offered}")
        self.model = model
        self.layer = layer
        self._depth = 0
        self._hastens = False
        self._quick: nn.Module | None = None

    def __call__(self, x: Tensor) -> Tensor:
        """The layer's output for the network's input `x`, in the dtype of `x`."""
        dtype = next((p.dtype for p in self.model.parameters() if p.is_floating_point()), x.dtype)
        given = x.to(dtype)
        network = self._network(given)
        if network is not self.model:
            given = _laid_out(given)
        output = _run(network, self.layer, given)
        if not isinstance(output, Tensor):
            self._refuse(output)
        if x.requires_grad and torch.is_grad_enabled() and not output.requires_grad:
            raise ValueError(f"the output of layer {self.layer!r} does not depend on the image")
        return output.to(x.dtype)

    def _network(self, x: Tensor) -> nn.Module:
        """What a call runs: the network, or the copy of it that is made on the first call."""
        if not self._hastens:
            return self.model
        if self._quick is None:
            self._quick = self._quicker(x[:1].detach()) or self.model
        return self._quick

    def _quicker(self, x: Tensor) -> nn.Module | None:
        """A hastened copy of the network, None where it would not compute the same."""
        with torch.no_grad():
            expected = _run(self.model, self.layer, x.clone())
        try:
            quick = shadow(self.model)
            with torch.enable_grad(), saved_tensors_hooks(_forget, _forget):
                fold_(quick, _run(quick, self.layer, x.clone()))
            quick.requires_grad_(False)
            with torch.no_grad():
                output = _run(quick, self.layer, _laid_out(x.clone()))
            same = (output - expected).norm() <= _SAME * expected.norm()
        except Exception:  # it cannot be copied, or not run in another layout
            return None
        return quick if same else None

    def _refuse(self, output: Any) -> NoReturn:
        kind = type(output).__name__
        if isinstance(output, tuple | list | dict):
            kind += f" of {len(output)}"
        inside = [name for name, _ in self.model.get_submodule(self.layer).named_modules() if name]
        choice = f"a layer inside, such as {self.layer}.{inside[-1]}" if inside else "another layer"
        raise ValueError(f"layer {self.layer!r} returns a {kind}, not one tensor: choose {choice}")

    def device(self) -> torch.device | None:
        """The device of the network; None where it has several, or nothing to place."""
        devices = {tensor.device for tensor in _tensors(self.model)}
        return devices.pop() if len(devices) == 1 else None

    @contextmanager
    def hastened(self, device: torch.device) -> Iterator[None]:
        """`frozen`, for many calls: they run a copy that shares the network's weights.

        In the copy batch normalization is folded into convolutions, and on a CPU the
        channels lie last in memory. The first call makes it, and compares the outputs: a
        network that cannot be copied so, or whose copy differs, runs as it is.
        """
        with self.frozen(device):
            if self._hastens:
                yield
                return
            self._hastens = True
            try:
                yield
            finally:
                self._hastens, self._quick = False, None

    @contextmanager
    def frozen(self, device: torch.device) -> Iterator[None]:
        """The network in evaluation mode on a device, without gradients of its own.

        Afterwards, also after an exception, each submodule's mode, each parameter's
        `requires_grad` and `grad`, and the device are what they were. It may be nested.
        """
        if self._depth:
            yield
            return
        with ExitStack() as undo:
            for module in self.model.modules():
                undo.callback(setattr, module, "training", module.training)
                module.training = False
            for parameter in self.model.parameters():
                undo.callback(setattr, parameter, "grad", parameter.grad)
                undo.callback(parameter.requires_grad_, parameter.requires_grad)
                parameter.grad = None
                parameter.requires_grad_(False)
            home = self.device()
            if home is not None and home != device:
                undo.callback(self.model.to, home)
                self.model.to(device)
            undo.callback(setattr, self, "_depth", 0)
            self._depth = 1
            yield


def _run(module: nn.Module, layer: str, x: Any) -> Any:
    """Calls the chain up to the layer, or up to the module that contains it."""
    path = layer
    while path and _is_chain(module):
        name, _, path = path.partition(".")
        for key, child in module._modules.items():
            if key == name and child is not None:
                module = child
                break
            x = child(x) if child is not None else x
    if not path:
        return module(x)
    handle = module.get_submodule(path).register_forward_hook(_stop)
    try:
        module(x)
    except _Reached as reached:
        return reached.output
    finally:
        handle.remove()
    raise ValueError(f"layer {layer!r} is not reached by the forward pass")


def _forget(saved: Any) -> Any:
    """Keeps nothing for a backward pass, where the graph alone is asked for."""
    return None


def _laid_out(x: Tensor) -> Tensor:
    """In the memory layout that convolutions are fastest in: on a CPU, channels last."""
    return x.contiguous(memory_format=torch.channels_last) if x.device.type == "cpu" else x


def _stop(module: nn.Module, inputs: Any, output: Any) -> NoReturn:
    raise _Reached(output)


def _is_chain(module: nn.Module) -> bool:
    """Whether a call of `module` is nothing but calls of its children in turn."""
    hooked = module._forward_hooks or module._forward_pre_hooks
    return type(module).forward is nn.Sequential.forward and not hooked


def _tensors(model: nn.Module) -> Iterator[Tensor]:
    yield from model.parameters()
    yield from model.buffers()
