"""How far a component sees, also where it sees the whole image: rho of section 6."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from preimage.representations.base import Representation
from preimage.representations.layer import Layer
from preimage.representations.layers import Layers

_LAST_MAPS: WeakKeyDictionary[Layer, Layer | None] = WeakKeyDictionary()
"""Found once for each layer, because the receptive field of the map takes seconds to measure."""


def reach(representation: Representation) -> int:
    """The receptive field rho in pixels; larger than the image where it is behind depth.

    A class score sees all of its image, and would see more of a larger one: it counts as
    the last map that it is computed from does. Where that has none either, as in a vision
    transformer, rho is the side of the image.

    >>> from torch import nn
    >>> from preimage.preprocessing import Preprocessing
    >>> head = nn.Sequential(nn.Conv2d(3, 4, 9), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    >>> reach(Layer(head, "2", Preprocessing(mean=(127.5,) * 3, size=(32, 32))))
    9
    """
    if isinstance(representation, Layers):
        return max(reach(layer) for layer in representation.layers.values())
    if not isinstance(representation, Layer):
        return representation.stride
    field = representation.receptive_field
    if field is None and representation not in _LAST_MAPS:
        _LAST_MAPS[representation] = _last_map(representation)
    if field is None and (behind := _LAST_MAPS[representation]) is not None:
        field = behind.receptive_field
    return field.size if field is not None else max(representation.preprocessing.size or (224,))


def _last_map(layer: Layer) -> Layer | None:
    """The last layer before this one, outermost first, whose output is a map."""
    order: list[tuple[str, tuple[int, ...]]] = []

    def note(name: str) -> Any:
        def hook(module: Any, inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor):
                order.append((name, tuple(output.shape)))

        return hook

    names = dict(layer.model.named_modules())
    handles = [module.register_forward_hook(note(name)) for name, module in names.items() if name]
    size = layer.preprocessing.size or (224, 224)
    try:
        with torch.no_grad(), layer.frozen(torch.device("cpu")):
            layer(torch.zeros(1, layer.preprocessing.channels, *size))
    finally:
        for handle in handles:
            handle.remove()
    maps = [name for name, shape in order if len(shape) == 4 and min(shape[2:]) > 1]
    return Layer(layer.model, maps[-1], layer.preprocessing) if maps else None
