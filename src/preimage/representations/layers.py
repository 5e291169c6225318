"""Several layers of one network at once.

>>> from torch import nn
>>> network = nn.Sequential(nn.Conv2d(3, 8, 5, stride=2), nn.ReLU(), nn.Flatten())
>>> prescribed = Preprocessing(mean=(127.5,) * 3, size=(9, 9))
>>> both = Layers([Layer(network, name, prescribed) for name in ("0", "1")])
>>> {name: tuple(y.shape) for name, y in both.outputs(torch.rand(2, 3, 9, 9)).items()}
{'0': (2, 8, 3, 3), '1': (2, 8, 3, 3)}
>>> both.code_shape(9, 9)
(144,)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any, final

import torch
from torch import Tensor, nn

from preimage.preprocessing import Preprocessing
from preimage.representations.base import Representation
from preimage.representations.borrowing import device_of, ordinary_torch
from preimage.representations.code_grid import CodeGrid
from preimage.representations.execution import AUTO, Execution
from preimage.representations.field_tracing import trace
from preimage.representations.layer import Layer
from preimage.representations.receptive_field import ReceptiveField
from preimage.representations.session import Session
from preimage.representations.trunk import Trunk


@final
class Layers(Representation):
    """The outputs of several submodules, by a single forward pass up to the last of them.

    The code of an image is the flattened codes of the layers, one after the other. `Layer` says
    what a call does to the network, and which errors it raises.

    Args:
        layers: layers of one network, with one preprocessing; duplicates count once.
        name: the name that users know; by default the layers' names.

    Raises:
        ValueError: if there is no layer, or if the layers differ in network, preprocessing or
            inputs.
    """

    is_network = True
    code_axes = 1

    def __init__(self, layers: Sequence[Layer], *, name: str | None = None) -> None:
        super().__init__()
        if isinstance(layers, nn.Module) or not all(isinstance(one, Layer) for one in layers):
            raise TypeError(
                "Layers takes a list of layers of one network, as in "
                "preimage.Layers([preimage.Layer(module, name, preprocessing) for name in NAMES])"
            )
        if not layers:
            raise ValueError("no layer was given")
        names = ", ".join(dict.fromkeys(layer.name for layer in layers))
        kinds = {
            (id(layer.model), layer.preprocessing, _inputs_key(layer.inputs)) for layer in layers
        }
        if len(kinds) > 1:
            raise ValueError(
                f"the layers {names} differ in network, preprocessing or inputs: give layers of "
                "one network"
            )
        self._layers = {layer.layer: layer for layer in layers}
        self.name = names if name is None else name
        self.preprocessing: Preprocessing = layers[0].preprocessing
        self.weights = dict(layers[0].weights)
        axes = {name: layer.channel_axis for name, layer in self._layers.items()}
        self._trunk = Trunk(
            layers[0].model,
            list(self._layers),
            self.preprocessing,
            name=layers[0].layer_name.network,
            channel_axes=axes,
            inputs=layers[0].inputs,
        )

    def extra_repr(self) -> str:
        """Return the layers and the class of the network, for `repr`."""
        return f"{', '.join(map(repr, self._layers))} of {type(self.model).__name__}"

    @property
    def model(self) -> nn.Module:
        """The network."""
        return self._trunk.model

    @property
    def layers(self) -> Mapping[str | None, Layer]:
        """The layers by their dotted names."""
        return dict(self._layers.items())

    def outputs(self, x: Tensor) -> Mapping[str | None, Tensor]:
        """Return each layer's own codes of the images `x` (N, D, H, W), by dotted name.

        Codes are maps (N, K, H', W'), tokens (N, T, K), or vectors (N, K).
        """
        return dict(self._trunk(x).items())

    def forward(self, x: Tensor) -> Tensor:
        """Return the codes (N, sum of the layers' sizes) of the images `x` (N, D, H, W)."""
        return torch.cat([output.flatten(1) for output in self._trunk(x).values()], 1)

    def gradient(self, codes: Tensor, x: Tensor, weights: Tensor) -> Tensor:
        """See `Representation.gradient`."""
        return self._trunk.gradient(codes, x, weights)

    def session(
        self, device: torch.device, execution: Execution = AUTO
    ) -> AbstractContextManager[Session]:
        """See `Representation.session`."""
        return self._trunk.session(device, execution)

    def code_shapes(self, height: int, width: int) -> Mapping[str | None, tuple[int, ...]]:
        """Return the shape of each layer's code, found by one trial run; see `Trunk.shapes`."""
        return dict(self._trunk.shapes(self.name, height, width).items())

    def code_grids(self, height: int, width: int) -> Mapping[str | None, CodeGrid]:
        """Return the grid of each layer's code, found by one trial run; see `Layer.code_grid`."""
        shapes = self.code_shapes(height, width)
        found = self._trunk.grids(self.name, height, width)
        return {name: found[str(name)] or CodeGrid.from_shape(shapes[name]) for name in shapes}

    def code_shape(self, height: int, width: int) -> tuple[int, ...]:
        """Return (K,), the sum of the layers' sizes."""
        return (sum(math.prod(shape) for shape in self.code_shapes(height, width).values()),)

    def image_size(self, code_shape: tuple[int, ...]) -> tuple[int, int]:
        """See `Layer.image_size`."""
        return self._first.image_size(code_shape)

    @property
    def stride(self) -> int:
        """The largest of the layers' strides."""
        return self._coarsest.stride

    @property
    def default_jitter(self) -> int:
        """T of Eq. 7 of the layer with the largest stride."""
        return self._coarsest.default_jitter

    @property
    def reach(self) -> int:
        """The largest of the layers' reaches."""
        return max(layer.reach for layer in self._layers.values())

    @cached_property
    def receptive_fields(self) -> Mapping[str, ReceptiveField | None]:
        """The receptive field of each layer, by name; in one pass unless it is a chain."""
        found: dict[str | None, ReceptiveField | None] = {}
        if type(self.model) is not nn.Sequential:
            size, channels = self.default_size, self.preprocessing.channels
            plain = Layers([layer.sibling(name) for name, layer in self._layers.items()])
            plain.code_shapes(*size)  # finds the axes of the codes first
            with ordinary_torch():
                found = trace(plain.outputs, size, channels, device_of(self.model))
        alone = {n: layer for n, layer in self._layers.items() if n not in found}
        found |= {name: layer.receptive_field for name, layer in alone.items()}
        return {name: found[name] for name in self._layers}

    @property
    def default_size(self) -> tuple[int, int]:
        """See `Layer.default_size`."""
        return self._first.default_size

    @property
    def _first(self) -> Layer:
        return next(iter(self._layers.values()))

    @cached_property
    def _coarsest(self) -> Layer:
        return max(self._layers.values(), key=lambda layer: layer.stride)


def _inputs_key(inputs: Mapping[str, Any]) -> tuple[tuple[str, object], ...]:
    """Return a key that tells further inputs apart: by identity for tensors, else by text."""
    return tuple((key, id(v) if isinstance(v, Tensor) else repr(v)) for key, v in inputs.items())
