"""A network made ready for many calls on a device, and restored afterwards."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import chain
from typing import Any, final

import torch
from torch import Tensor, nn

from preimage.representations.acceleration import accelerated
from preimage.representations.execution import Ran
from preimage.representations.fast_copy import NoCopyError, channels_last, fast_copy
from preimage.representations.forward_until import forward_until


class Session:
    """A representation ready for many calls; this base class has no network."""

    @property
    def ran(self) -> Ran:
        """The record of how the representation has run so far."""
        return Ran()

    @property
    def weight_bytes(self) -> int:
        """Memory of the network's weights; 0 without a network."""
        return 0

    def recompute(self) -> bool:
        """Recompute activations from now on, instead of keeping them for the backward pass.

        Returns:
            False if it does so already, or if there is nothing to recompute.
        """
        return False


@final
class NetworkSession(Session):
    """A network in evaluation mode that runs up to some layers many times.

    `accelerate` is a mode of `preimage.representations.execution`. The first call makes a copy
    with `fast_copy`. If that fails, the network runs as it is, after a warning.
    """

    def __init__(self, network: nn.Module, layers: Sequence[str], accelerate: str) -> None:
        self._network, self._layers, self._accelerate = network, layers, accelerate
        self._recomputes = False
        self._call: Callable[[Tensor], dict[str, Any]] | None = None
        self._folded = False
        self._fallback: str | None = None

    def __call__(self, x: Tensor) -> dict[str, Any]:
        """Return the layers' outputs for the network's input `x`, by name."""
        if self._call is None:
            network = self._prepared(x[:1].detach())
            plain = partial(forward_until, network, layers=self._layers)
            self._call = accelerated(plain, self._accelerate)
        return self._call(channels_last(x) if self._folded else x)

    def _prepared(self, x: Tensor) -> nn.Module:
        """Return a copy, or the network itself if none is needed or possible."""
        folds, known = self._accelerate != "plain", self._fallback
        self._folded, self._fallback = False, None
        if not folds and not self._recomputes:
            return self._network
        layers, recomputes = self._layers, self._recomputes
        try:
            copied = fast_copy(self._network, x, layers, folds=folds, recomputes=recomputes)
        except NoCopyError as error:
            self._fallback = str(error)
            if self._fallback != known:
                name = type(self._network).__name__
                warnings.warn(f"{name} runs as it is, without a faster copy: {error}", stacklevel=2)
            return self._network
        self._folded = folds
        return copied

    @property
    def ran(self) -> Ran:
        """See `Session.ran`."""
        weights = (p.dtype for p in self._network.parameters() if p.is_floating_point())
        dtype = torch.bfloat16 if self._accelerate == "bf16" else next(weights, torch.float32)
        return Ran(
            network="folded" if self._folded else "plain",
            mode=self._accelerate if self._accelerate in ("compile", "graph") else "eager",
            precision=str(dtype).removeprefix("torch."),
            recomputed=self._recomputes and self._call is not None and self._fallback is None,
            fallback=self._fallback,
        )

    @property
    def weight_bytes(self) -> int:
        """Memory of the network's parameters and buffers."""
        return sum(t.numel() * t.element_size() for t in _tensors(self._network))

    def recompute(self) -> bool:
        """See `Session.recompute`."""
        if self._recomputes:
            return False
        self._recomputes, self._call = True, None
        return True


@contextmanager
def evaluation_mode(network: nn.Module, device: torch.device) -> Iterator[None]:
    """Put a network in evaluation mode on a device, without parameter gradients.

    Afterwards modes, gradients, each `requires_grad` and the device are restored.
    """
    with ExitStack() as undo:
        for module in network.modules():
            undo.callback(setattr, module, "training", module.training)
            module.training = False
        for parameter in network.parameters():
            undo.callback(setattr, parameter, "grad", parameter.grad)
            undo.callback(parameter.requires_grad_, parameter.requires_grad)
            parameter.grad = None
            parameter.requires_grad_(False)
        home = device_of(network)
        if home is not None and home != device:
            undo.callback(network.to, home)
            network.to(device)
        yield


def device_of(network: nn.Module) -> torch.device | None:
    """Return the device of a network; None if it has several, or nothing to place."""
    devices = {tensor.device for tensor in _tensors(network)}
    return devices.pop() if len(devices) == 1 else None


def _tensors(network: nn.Module) -> Iterator[Tensor]:
    return chain(network.parameters(), network.buffers())
