"""A network of any kind, run up to some of its submodules, and kept as it was.

Where a layer lies in a chain (an `nn.Sequential`, perhaps inside another), only the modules
up to it are called. Elsewhere the network is called, and an exception that a hook raises ends
the call as soon as the last of the layers has returned.

For a run of many calls the network is replaced by a copy of its modules that computes the
same faster: see `Trunk.hastened`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, NoReturn

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.hooks import RemovableHandle

from preimage.names import unknown
from preimage.representations.acceleration import accelerated, check_acceleration
from preimage.representations.checkpointing import checkpoint_, is_chain
from preimage.representations.folding import fold_, shadow

_SAME = 1e-4
"""How far the output of a hastened network may be from the plain one's, as ||.|| / ||.||."""

_COLORS = {1: "gray", 3: "color"}


class _Reached(BaseException):  # so that no `except Exception` of a network can catch it
    """The last of the layers has returned."""


class Trunk:
    """The part of a network that computes the outputs of some of its submodules.

    It is no `nn.Module` itself, so that nobody else registers, converts or saves the network
    with it.

    Args:
        model: the network.
        layers: dotted names of submodules, as `model.named_modules()` has them.

    Raises:
        ValueError: if there is no such submodule; the nearest names are offered.
    """

    def __init__(self, model: nn.Module, layers: Sequence[str]) -> None:
        known = [name for name, _ in model.named_modules(remove_duplicate=False) if name]
        for layer in layers:
            if layer not in known:
                raise ValueError(unknown(f"layer of {type(model).__name__}", layer, known))
        self.model = model
        self.layers = tuple(layers)
        self._depth = 0
        self._shapes: dict[tuple[int, int], dict[str, tuple[int, ...]]] = {}
        self._accelerate: str | None = None
        self._recomputes = False
        self._network = model
        self._quick: Callable[[Tensor], dict[str, Any]] | None = None

    def __call__(self, x: Tensor) -> dict[str, Tensor]:
        """The layers' outputs for the network's input `x`, by name, in the dtype of `x`."""
        dtype = next((p.dtype for p in self.model.parameters() if p.is_floating_point()), x.dtype)
        given = x.to(dtype)
        found = self._found(given)
        outputs = {}
        for layer in self.layers:
            if layer not in found:
                raise ValueError(f"layer {layer!r} is not reached by the forward pass")
            output = found[layer]
            if not isinstance(output, Tensor):
                self._refuse(layer, output)
            if x.requires_grad and torch.is_grad_enabled() and not output.requires_grad:
                raise ValueError(f"the output of layer {layer!r} does not depend on the image")
            outputs[layer] = output.to(x.dtype)
        return outputs

    def _found(self, x: Tensor) -> dict[str, Any]:
        """What the layers return, as the network runs or, inside `hastened`, its copy."""
        if self._accelerate is None:
            return _reached(self.model, x, self.layers)
        if self._quick is None:
            self._network = self._copied(x[:1].detach()) or self.model
            plain = partial(_reached, self._network, layers=self.layers)
            self._quick = accelerated(plain, self._accelerate)
        hastens = self._network is not self.model and self._accelerate != "none"
        return self._quick(_laid_out(x) if hastens else x)

    def _copied(self, x: Tensor) -> nn.Module | None:
        """A hastened copy of the network, None where it would not compute the same."""
        folds = self._accelerate != "none"
        if not folds and not self._recomputes:
            return None

        def output(network: nn.Module, given: Tensor) -> Tensor:
            found = _reached(network, given.clone(), self.layers)
            return torch.cat([found[layer].flatten() for layer in self.layers])

        try:
            with torch.no_grad():
                expected = output(self.model, x)
            copied = shadow(self.model)
            if folds:
                with torch.enable_grad(), saved_tensors_hooks(_forget, _forget):
                    fold_(copied, output(copied, x))
                x = _laid_out(x)
            copied.requires_grad_(False)
            if self._recomputes:
                checkpoint_(copied, self.layers)
            with torch.no_grad():
                same = (output(copied, x) - expected).norm() <= _SAME * expected.norm()
        except Exception:  # it cannot be copied, or not run in another layout
            return None
        return copied if same else None

    def recompute(self) -> bool:
        """Has activations recomputed, rather than kept, until `hastened` ends.

        Returns:
            Whether that is new and possible.
        """
        if self._recomputes or self._accelerate is None:
            return False
        self._recomputes, self._quick = True, None
        return True

    @property
    def weight_bytes(self) -> int:
        """Memory of the network's parameters and buffers."""
        return sum(t.numel() * t.element_size() for t in _tensors(self.model))

    def shapes(
        self, name: str, channels: int, height: int, width: int
    ) -> dict[str, tuple[int, ...]]:
        """Shapes of the outputs for one image, found by a trial run on a black one.

        Raises:
            ValueError: if the network does not take images of this size; it speaks of `name`.
        """
        size = (height, width)
        if size not in self._shapes:
            device = self.device() or torch.device("cpu")
            x = torch.zeros(1, channels, *size, device=device, requires_grad=True)
            try:
                with torch.enable_grad(), self.frozen(device):
                    # A layer may change its input in place, which a leaf does not allow.
                    outputs = self(x.clone())
            except (RuntimeError, AssertionError, IndexError) as error:
                reason = (str(error) or type(error).__name__).splitlines()[0]
                raise ValueError(
                    f"{name} does not take {_COLORS[channels]} images of {height} x {width} "
                    f"pixels: {reason}"
                ) from None
            self._shapes[size] = {key: tuple(y.shape[1:]) for key, y in outputs.items()}
        return self._shapes[size]

    def _refuse(self, layer: str, output: Any) -> NoReturn:
        kind = type(output).__name__
        if isinstance(output, tuple | list | dict):
            kind += f" of {len(output)}"
        inside = [name for name, _ in self.model.get_submodule(layer).named_modules() if name]
        choice = f"a layer inside, such as {layer}.{inside[-1]}" if inside else "another layer"
        raise ValueError(f"layer {layer!r} returns a {kind}, not one tensor: choose {choice}")

    def device(self) -> torch.device | None:
        """The device of the network; None where it has several, or nothing to place."""
        devices = {tensor.device for tensor in _tensors(self.model)}
        return devices.pop() if len(devices) == 1 else None

    @contextmanager
    def hastened(self, device: torch.device, accelerate: str = "auto") -> Iterator[None]:
        """`frozen`, for many calls: they run a copy that shares the network's weights.

        In the copy batch normalization is folded into convolutions, and on a CPU the
        channels lie last in memory. The first call makes it, and compares the outputs: a
        network that cannot be copied so, or whose copy differs, runs as it is.

        Args:
            device: where to compute.
            accelerate: "auto" for that copy; "none" for the network as it is; the others
                for what `preimage.representations.acceleration` makes of the copy.

        Raises:
            ValueError: if there is no such acceleration on this device.
        """
        check_acceleration(accelerate, device)
        with self.frozen(device):
            if self._accelerate is not None:
                yield
                return
            self._accelerate = accelerate
            try:
                yield
            finally:
                self._accelerate, self._recomputes = None, False
                self._network, self._quick = self.model, None

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


def _reached(module: nn.Module, x: Tensor, layers: Sequence[str]) -> dict[str, Any]:
    """The outputs of the submodules `layers` that a run up to the last of them reaches."""
    return _run(module, x, layers, whole=False)[1]


def _run(
    module: nn.Module, x: Any, wanted: Sequence[str], whole: bool
) -> tuple[Any, dict[str, Any]]:
    """What `module` makes of `x`, and the outputs of the submodules `wanted` that it reaches.

    Unless the whole is asked for, nothing behind the last of them runs. An output is copied
    where something runs behind it, which might change it in place.
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
        behind = whole or bool(inside)
        x, deeper = _run(child, x, list(filter(None, tails)), behind or "" in tails)
        found |= {f"{key}.{tail}": output for tail, output in deeper.items()}
        if "" in tails:
            found[key] = _copy(x) if behind else x
        if not behind:
            break
    return x, found


def _watch(
    module: nn.Module, x: Any, wanted: Sequence[str], whole: bool
) -> tuple[Any, dict[str, Any]]:
    """As `_run`, by hooks: for a module that is no chain."""
    found: dict[str, Any] = {}

    def watch(name: str) -> RemovableHandle:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if name in found:
                return
            last = len(found) == len(wanted) - 1 and not whole
            found[name] = output if last else _copy(output)
            if last:
                raise _Reached

        return module.get_submodule(name).register_forward_hook(hook)

    with ExitStack() as undo:
        for name in wanted:
            undo.callback(watch(name).remove)
        try:
            x = module(x)
        except _Reached:
            x = None
    return x, found


def _copy(output: Any) -> Any:
    return output.clone() if isinstance(output, Tensor) else output


def _forget(saved: Any) -> Any:
    """Keeps nothing for a backward pass, where the graph alone is asked for."""
    return None


def _laid_out(x: Tensor) -> Tensor:
    """In the memory layout that convolutions are fastest in: on a CPU, channels last."""
    return x.contiguous(memory_format=torch.channels_last) if x.device.type == "cpu" else x


def _tensors(model: nn.Module) -> Iterator[Tensor]:
    yield from model.parameters()
    yield from model.buffers()
