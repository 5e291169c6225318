"""Means and deviations of the channels of a network's inner layers, as a representation.

They say which textures, colors and parts an image is made of, and not where they are (Gatys, Ecker
and Bethge, Texture Synthesis Using Convolutional Neural Networks, 2015; Yin et al., Dreaming to
Distill, 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from itertools import pairwise
from typing import final

import torch
from torch import Tensor
from torch.nn.functional import normalize

from preimage.names import LayerName
from preimage.networks import Network
from preimage.preprocessing import DEFAULT_SIZE
from preimage.representations.base import Representation
from preimage.representations.execution import AUTO, Execution
from preimage.representations.layer import Layer
from preimage.representations.layers import Layers
from preimage.representations.other_preprocessing import prepare
from preimage.representations.session import Session
from preimage.representations.transformed import Transformed

_LEAST_VARIANCE = 1e-6
"""Added to variances, whose root has no gradient at 0."""

_FEWEST_LAYERS, _MOST_LAYERS = 4, 8


@final
class InnerStatistics(Representation):
    """Means and deviations of the channels of inner layers, each divided by a number.

    Args:
        phi: a layer of a network, perhaps with steps, whose codes are vectors.
        names: the inner layers.
        units: what the statistics are divided by, (S,).
        code_weight: if positive, the code of phi of unit norm follows, multiplied by this.
    """

    is_network = True
    code_axes = 1

    def __init__(
        self, phi: Representation, names: Sequence[str], units: Tensor, code_weight: float = 0.0
    ) -> None:
        super().__init__()
        base = layer_of(phi)
        last = [base.layer] if code_weight else []
        self._phi, self._names, self._last = phi, tuple(names), base.layer
        self._layers = Layers([base.sibling(name) for name in (*names, *last)])
        self._units, self._code_weight = units, code_weight
        self.name, self.preprocessing = f"{phi.name}, inner statistics", phi.preprocessing

    def forward(self, x: Tensor) -> Tensor:
        """Return the codes of the images `x` (N, D, H, W)."""
        outputs, statistics = self._measure(x)
        found = statistics / self._units.to(statistics)
        if not self._code_weight:
            return found
        codes = outputs[self._last]
        if isinstance(self._phi, Transformed):
            codes = self._phi.transform(codes)
        return self.join(found, codes)

    def join(self, statistics: Tensor, codes: Tensor) -> Tensor:
        """Return statistics in their units, followed by codes (N, ...) if these have a weight."""
        if not self._code_weight:
            return statistics
        return torch.cat([statistics, self._code_weight * normalize(codes.flatten(1))], 1)

    def _measure(self, x: Tensor) -> tuple[dict[str | None, Tensor], Tensor]:
        """Return the outputs of the layers, and the statistics (N, S): first all means."""
        if isinstance(self._phi, Transformed) and self._phi.prepared is not None:
            x = prepare(self._phi.prepared, self.preprocessing, x)
        outputs = dict(self._layers.outputs(x))
        maps = [_by_channel(outputs[name]) for name in self._names]
        means = [y.mean(2) for y in maps]
        deviations = [(y.var(2, correction=0) + _LEAST_VARIANCE).sqrt() for y in maps]
        return outputs, torch.cat([*means, *deviations], 1)

    def gradient(self, codes: Tensor, x: Tensor, weights: Tensor) -> Tensor:
        """See `Representation.gradient`."""
        return self._layers.gradient(codes, x, weights)

    def session(
        self, device: torch.device, execution: Execution = AUTO
    ) -> AbstractContextManager[Session]:
        """See `Representation.session`."""
        return self._layers.session(device, execution)

    @property
    def network_module(self) -> torch.nn.Module:
        """See `Representation.network_module`."""
        return self._layers.model

    @property
    def channels(self) -> tuple[int, ...]:
        """The number of channels of each inner layer."""
        shapes = self._layers.code_shapes(*_size(self._phi))
        return tuple(_channels(shapes[name]) for name in self._names)

    def code_shape(self, height: int, width: int) -> tuple[int, ...]:
        """See `Representation.code_shape`."""
        shapes = self._layers.code_shapes(height, width)
        count = 2 * sum(_channels(shapes[name]) for name in self._names)
        if self._code_weight:
            count += torch.Size(self._phi.code_shape(height, width)).numel()
        return (count,)

    def image_size(self, code_shape: tuple[int, ...]) -> tuple[int, int]:
        """See `Representation.image_size`."""
        return _size(self._phi)

    @property
    def layer_name(self) -> LayerName:
        """See `Representation.layer_name`."""
        return self._phi.layer_name

    @property
    def stride(self) -> int:
        """See `Representation.stride`."""
        return self._phi.stride

    @property
    def default_jitter(self) -> int:
        """See `Representation.default_jitter`."""
        return self._phi.default_jitter

    @property
    def default_size(self) -> tuple[int, int] | None:
        """See `Representation.default_size`."""
        return self._phi.default_size


def layer_of(representation: Representation) -> Layer:
    """Return the layer of a network whose codes a representation has, perhaps through steps.

    Raises:
        ValueError: if it is none.
    """
    base = representation.base if isinstance(representation, Transformed) else representation
    if not isinstance(base, Layer):
        raise ValueError(
            f"a decoder is for vectors of a layer of a network, and {representation.name} is none"
        )
    return base


def inner_layers(representation: Representation) -> tuple[str, ...]:
    """Return the layers before a layer of a network that are worth predicting from its code.

    They are the last ones before the size of the maps or the number of channels changes or, in a
    network with few such places, some at even distances. The last of all is left out: its means are
    nearly the code.

    Raises:
        ValueError: if there is no layer with positions before it.
    """
    base = layer_of(representation)
    main = Network(base.model, base.preprocessing, inputs=base.inputs).main_layers
    ours = [name for name in main if _overlap(name, base.layer)]
    before = main[: main.index(ours[0])] if ours else main
    shapes: dict[str | None, tuple[int, ...]] = {}
    if before:
        layers = Layers([base.sibling(name) for name in before])
        shapes = dict(layers.code_shapes(*_size(representation)))
    names = [name for name in before if len(shapes[name]) > 1]
    if not names:
        raise ValueError(
            f"a decoder of {representation.name} needs layers with maps before it: there is none"
        )
    ends = [a for a, b in pairwise(names) if shapes[a] != shapes[b]]
    if len(ends) >= _FEWEST_LAYERS:
        return tuple(ends)
    rest = names[:-1] or names
    count = min(_MOST_LAYERS, len(rest))
    return tuple(rest[(n + 1) * len(rest) // count - 1] for n in range(count))


def _overlap(name: str, layer: str) -> bool:
    """Tell whether one of two layers is the other, or holds it."""
    return f"{layer}.".startswith(f"{name}.") or f"{name}.".startswith(f"{layer}.")


def _by_channel(outputs: Tensor) -> Tensor:
    """Return maps (N, K, H, W) or tokens (N, T, K) as (N, K, positions)."""
    return outputs.flatten(2) if outputs.ndim == 4 else outputs.transpose(1, 2)


def _channels(shape: tuple[int, ...]) -> int:
    return shape[0] if len(shape) == 3 else shape[1]


def _size(representation: Representation) -> tuple[int, int]:
    return representation.default_size or DEFAULT_SIZE
