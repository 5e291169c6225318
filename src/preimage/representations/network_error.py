"""A part of a network, and a guard that turns whatever its code raises into one kind of error.

>>> class Net(nn.Module):
...     def forward(self, x):
...         raise KeyError("a")
>>> part = Part(Net(), ("fc",))
>>> try:
...     with guarded(part, torch.zeros(1, 3, 8, 8)):
...         part.network(torch.zeros(1, 3, 8, 8))
... except NetworkError as error:
...     print(error)
...     print(*error.__notes__)
Net fails at or before layer fc, given 1 x 3 x 8 x 8 values of float32 from 0 to 0: KeyError: 'a'
preimage.check (`preimage check`) shows what the network is fit for
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from preimage.checks import is_signal

_OF_VOLUMES = (
    nn.Conv3d, nn.ConvTranspose3d, nn.MaxPool3d, nn.AvgPool3d, nn.AdaptiveAvgPool3d,
    nn.AdaptiveMaxPool3d, nn.BatchNorm3d, nn.InstanceNorm3d,
)  # fmt: skip
"""Layers whose input has five axes."""


class NetworkError(ValueError):
    """The error for whatever a network's own code raises, which is its `__cause__`.

    A note, which Python prints below the message, names `preimage.check`.
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.add_note("preimage.check (`preimage check`) shows what the network is fit for")


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a network up to some layers.

    Attributes:
        network: the whole network.
        layers: names of the layers.
        inputs: further inputs of the network beside the image, by keyword.
        name: the name of the network that users know; empty if it has none.
    """

    network: nn.Module
    layers: tuple[str, ...]
    inputs: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""

    @property
    def label(self) -> str:
        """The network's name in messages: its own name, or else its class."""
        return self.name or type(self.network).__name__

    def inputs_for(self, x: Tensor) -> dict[str, Any]:
        """Return the further inputs for the images `x` (N, D, H, W), on their device.

        A tensor whose first axis has the length 1 is repeated for each image.
        """
        return {key: _for_images(value, x) for key, value in self.inputs.items()}


def _for_images(value: Any, x: Tensor) -> Any:
    if not isinstance(value, Tensor):
        return value
    value = value.to(x.device)
    single = value.ndim > 0 and len(value) == 1 < len(x)
    return value.expand(len(x), *value.shape[1:]) if single else value


@contextmanager
def guarded(part: Part, x: Tensor, doing: str = "fails at or before") -> Iterator[None]:
    """Turn an exception of the network's code into a `NetworkError`, in one line.

    A `NetworkError`, a lack of memory, Ctrl-C and the end of the process by a signal are left as
    they are.

    Args:
        part: the part of the network that runs in the block.
        x: the network's input.
        doing: what the network does when it raises, followed by "layer".
    """
    try:
        yield
    except (NetworkError, torch.OutOfMemoryError, MemoryError):
        raise
    except (Exception, SystemExit) as error:  # a user's network can raise anything
        if is_signal(error):
            raise
        where = f"layer{'s' * (len(part.layers) > 1)} {', '.join(part.layers)}"
        hint = _missing_inputs(part) if isinstance(error, TypeError) else ""
        raise NetworkError(
            f"{part.label} {doing} {where}, given {described(x)}: {own_words(error)}{hint}"
        ) from error


def check_finite(part: Part) -> None:
    """Raise a `NetworkError` that names a parameter or buffer with NaN or infinite values."""
    network = part.network
    for name, tensor in chain(network.named_parameters(), network.named_buffers()):
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise NetworkError(
                f"{name} of {part.label} holds NaN or infinite values: its weights are damaged, or "
                "its training diverged"
            )


@contextmanager
def only_images(part: Part) -> Iterator[None]:
    """Raise a `NetworkError` if a layer for volumes or videos is given images.

    Without this check, some of these layers would take an image for something else, without an
    error.
    """

    def refuse(module: nn.Module, given: tuple[Any, ...]) -> None:
        if given and isinstance(given[0], Tensor) and given[0].ndim < 5:
            raise NetworkError(
                f"{part.label} is a network of volumes or videos, because it has a "
                f"{type(module).__name__}: only networks of images are supported"
            )

    layers = [m for m in part.network.modules() if isinstance(m, _OF_VOLUMES)]
    hooks = [layer.register_forward_pre_hook(refuse) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def own_words(error: BaseException) -> str:
    r"""Return the kind of an error and the first line of its message, at most 200 characters.

    >>> own_words(RuntimeError("shapes differ\nsee above"))
    'RuntimeError: shapes differ'
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    words = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return words if len(words) <= 200 else words[:197] + "..."


def described(x: Tensor) -> str:
    """Return the shape, type and range of values of a tensor in words.

    >>> described(torch.tensor([[0.25, -1.5]]))
    '1 x 2 values of float32 from -1.5 to 0.25'
    """
    kind = f"{' x '.join(map(str, x.shape))} values of {str(x.dtype).removeprefix('torch.')}"
    if not x.numel() or x.is_meta:
        return kind
    low, high = (float(value) for value in x.detach().aminmax())
    return f"{kind} from {low:.4g} to {high:.4g}"


def _missing_inputs(part: Part) -> str:
    """Return how to give the inputs that the network requires beside the image; "" if none."""
    try:
        parameters = list(inspect.signature(part.network.forward).parameters.values())
    except (TypeError, ValueError):  # a forward pass that is not Python
        return ""
    missing = [
        p.name
        for p in parameters[1:]
        if p.default is p.empty
        and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        and p.name not in part.inputs
    ]
    if not missing:
        return ""
    given = ", ".join(f"{name!r}: ..." for name in missing)
    return f"; give its further inputs by network(..., inputs={{{given}}})"
