"""The axis of channels as far as the kind of a module, or an attribute of the network, names it."""

from __future__ import annotations

from typing import Any

from torch import nn

_FIRST = (
    nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm,
    nn.InstanceNorm2d, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d,
)  # fmt: skip
_LAST = (nn.MultiheadAttention, nn.TransformerEncoderLayer, nn.TransformerEncoder)


def is_first_by_kind(module: nn.Module | None) -> bool:
    """Tell whether modules of this kind have their channels after the batch."""
    return isinstance(module, _FIRST)


def is_last_by_kind(module: nn.Module | None) -> bool:
    """Tell whether modules of this kind have their channels last.

    Linear layers do not count: in a mixer they act on tokens, too.
    """
    if type(module) is nn.LayerNorm:  # subclasses exist that normalize the first axis of maps
        return len(module.normalized_shape) == 1
    return isinstance(module, _LAST)


def widths(network: nn.Module) -> frozenset[int]:
    """Return the numbers of channels that the layer normalizations of a network name.

    >>> sorted(widths(nn.Sequential(nn.LayerNorm(48), nn.Linear(48, 65))))
    [48]
    """
    norms = (module for module in network.modules() if isinstance(module, nn.LayerNorm))
    return frozenset(norm.normalized_shape[-1] for norm in norms if norm.normalized_shape)


def says_channels_last(network: nn.Module, layer: str) -> bool | None:
    """Return whether a network, or a part around a layer, declares NHWC, as in timm; else None."""
    module: Any = network
    found = getattr(network, "output_fmt", None)
    for part in layer.split("."):
        module = dict(module._modules.items()).get(part) if module is not None else None
        found = getattr(module, "output_fmt", found)
    words = str(getattr(found, "value", found))
    return {"NHWC": True, "NCHW": False}.get(words)
