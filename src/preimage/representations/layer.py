"""Any layer of any torch network as a representation (sections 4.2 and 5.2).

>>> from torch import nn
>>> network = nn.Sequential(nn.Conv2d(3, 8, 5, stride=2), nn.ReLU(), nn.Flatten())
>>> relu = Layer(network, "1", Preprocessing(mean=(127.5,) * 3, std=(127.5,)))
>>> relu.code_shape(33, 65)
(8, 15, 31)
>>> relu.receptive_field
ReceptiveField(size=5, stride=2, offset=2.0)
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import cached_property, partial
from typing import Any, final

import torch
from torch import Tensor, nn

from preimage.names import LayerName
from preimage.preprocessing import DEFAULT_SIZE, Preprocessing
from preimage.representations.axes import Axes
from preimage.representations.base import Representation
from preimage.representations.borrowing import RUNNING, device_of, evaluation_mode, ordinary_torch
from preimage.representations.code_grid import CodeGrid
from preimage.representations.execution import AUTO, Execution
from preimage.representations.field_tracing import find_field
from preimage.representations.receptive_field import ReceptiveField, chain_rule, grid_stride
from preimage.representations.session import Session
from preimage.representations.trunk import Trunk

STRIDE_LOSS_WEIGHTS = ((4, 300.0), (8, 100.0), (16, 20.0))
"""C by stride, for networks without a table of their own: each value applies up to and including
this stride. With the strides of the paper's networks it gives about what section 5.2.1 lists."""

LAST_LOSS_WEIGHT = 1.0
"""C of larger strides, and of layers after the last one of a network's own table."""


@final
class Layer(Representation):
    """The output of a submodule: maps (N, K, H', W'), tokens (N, T, K), or vectors (N, K).

    Codes have this layout whatever that of the network is; see `preimage.representations.axes`.
    Later layers are not executed. If the network calls the layer more than once, the first
    call counts, unless the name asks for another one. Modes, hooks, gradients and device of the
    network change only during a call.
    `to` and `double` of this module do not convert the network. If image and network are on
    different devices, gradients must be taken inside `session`.

    Args:
        model: the network.
        layer: dotted name of the submodule, as `model.named_modules()` has it, or what
            `preimage.representations.layer_path` describes, such as "attn[0]" or "relu#2".
        preprocessing: mean, std and size of the images that the network was trained on.
        name: the name of the network that users know, such as "mine": the layer is then called
            "mine/LAYER". A name with a slash is the whole name, as "mine/fc7". By default it is
            `layer` alone.
        loss_weight: the default of C. If None, a fast solver chooses it for each image, and others
            take that of the stride.
        channel_axis: the axis of the channels in the layer's own output, counted from 0, the first
            axis, which mostly is the batch. If None, the axis is found; if that is not possible,
            an error asks for it.
        inputs: further inputs that the network requires beside the image, by keyword. Tensors are
            moved to the image's device; one whose first axis has the length 1 is repeated for
            each image of a batch.

    Raises:
        ValueError: if there is no such layer. On a call: if the preprocessing has another number
            of channels than the images, or the layer returns no tensor, is not reached, or does
            not depend on the image.
    """

    is_network = True
    code_axes = 1

    def __init__(
        self,
        model: nn.Module,
        layer: str,
        preprocessing: Preprocessing,
        *,
        name: str | None = None,
        loss_weight: float | None = None,
        channel_axis: int | None = None,
        inputs: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(layer, str):
            raise TypeError(f"a layer is named by a text such as 'conv1' or '3', not {layer!r}")
        self.preprocessing = preprocessing
        self.name = _whole_name(name, layer)
        self.loss_weight = loss_weight
        self.channel_axis = channel_axis
        self._trunk = Trunk(
            model,
            [layer],
            preprocessing,
            name=_network_of(self.name, layer),
            channel_axes={layer: channel_axis},
            inputs=inputs,
        )

    def extra_repr(self) -> str:
        """Return the layer and the class of the network, for `repr`."""
        return f"{self.layer!r} of {type(self.model).__name__}"

    @property
    def model(self) -> nn.Module:
        """The network."""
        return self._trunk.model

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The further inputs of the network."""
        return self._trunk.inputs

    @property
    def layer(self) -> str:
        """The dotted name of the submodule."""
        return self._trunk.layers[0]

    def forward(self, x: Tensor) -> Tensor:
        """Return the codes of the images `x` (N, D, H, W)."""
        return self._trunk(x)[self.layer]

    def gradient(self, codes: Tensor, x: Tensor, weights: Tensor) -> Tensor:
        """See `Representation.gradient`."""
        return self._trunk.gradient(codes, x, weights)

    def session(
        self, device: torch.device, execution: Execution = AUTO
    ) -> AbstractContextManager[Session]:
        """See `Representation.session`."""
        return self._trunk.session(device, execution)

    def code_shape(self, height: int, width: int) -> tuple[int, ...]:
        """Return (K, H', W'), (T, K) or (K,), found by a trial run on a black image.

        Raises:
            ValueError: if the network does not take images of this size.
        """
        return self._trunk.shapes(self.name, height, width)[self.layer]

    def code_grid(self, height: int, width: int) -> CodeGrid:
        """See `Representation.code_grid`; the grid and its prefix are found in the network."""
        grids = self._trunk.grids(self.name, height, width)
        return grids[self.layer] or CodeGrid.from_shape(self.code_shape(height, width))

    def axes(self, height: int, width: int) -> Axes:
        """Return which axes of the layer's own output are the batch and the channels.

        Raises:
            ValueError: see `code_shape`.
        """
        return self._trunk.axes(self.name, height, width)[self.layer]

    def image_size(self, code_shape: tuple[int, ...]) -> tuple[int, int]:
        """Return the size that the preprocessing prescribes.

        Raises:
            ValueError: if it prescribes none.
        """
        if self.preprocessing.size is None:
            raise ValueError(f"{self.name} has no image size of its own: give a height and a width")
        return self.preprocessing.size

    @property
    def layer_name(self) -> LayerName:
        """The network's name (empty if `name` is only the layer's) and the layer's."""
        return LayerName(_network_of(self.name, self.layer), self.layer)

    @property
    def default_size(self) -> tuple[int, int]:
        """The size that the preprocessing prescribes, or else 224 x 224."""
        return self.preprocessing.size or DEFAULT_SIZE

    @property
    def layers(self) -> Mapping[str | None, Layer]:
        """See `Representation.layers`."""
        return {None: self}

    @cached_property
    def receptive_field(self) -> ReceptiveField | None:
        """See `Representation.receptive_field`; found by the chain rule or else by `find_field`.

        A component of a vector has no position and counts as seeing the whole image.
        """
        try:
            return chain_rule(self._chain())[self.layer]
        except ValueError:
            plain = self.sibling(self.layer)  # a session may run a copy
            shape = plain.code_shape(*self.default_size)  # finds the axes of the code first
            if len(shape) == 1:
                return None
            with ordinary_torch():
                return find_field(
                    plain, self.default_size, self.preprocessing.channels, device_of(self.model)
                )

    @property
    def loss_weight(self) -> float | None:
        """The default of C; if none is given, that of the stride."""
        if self._loss_weight is not None:
            return self._loss_weight
        weights = [weight for most, weight in STRIDE_LOSS_WEIGHTS if self.stride <= most]
        return weights[0] if weights else LAST_LOSS_WEIGHT

    @loss_weight.setter
    def loss_weight(self, weight: float | None) -> None:
        self._loss_weight, self.chooses_loss_weight = weight, weight is None

    @cached_property
    def stride(self) -> int:
        """The number of pixels between neighboring components; 32 if the layer has no grid."""
        try:
            return round(chain_rule(self._chain())[self.layer].stride)
        except ValueError:
            return self._stride_of_grid()

    def _stride_of_grid(self) -> int:
        """Return the stride from the number of rows of a map, or of positions of tokens."""
        height, width = self.default_size
        if len(self.code_shape(height, width)) != 2:
            return grid_stride(self.code_shape, self.default_size)
        rows, columns = self.code_grid(height, width).grid
        return grid_stride(lambda *_: (rows * columns, 1), self.default_size)

    @property
    def default_jitter(self) -> int:
        """T of Eq. 7: a quarter of the stride, rounded (section 5.2)."""
        return max(round(self.stride / 4), 1)

    @cached_property
    def reach(self) -> int:
        """Rho: the size of the receptive field, which can exceed the image for deep layers.

        If a component sees the whole image, as a class score does, rho is that of the last
        map before the layer or, if that map too sees everything, the longer side of the image.
        """
        field = self.receptive_field
        if field is None and (name := self._last_map()) is not None:
            field = self.sibling(name).receptive_field
        return max(self.default_size) if field is None else field.size

    def _last_map(self) -> str | None:
        """Return the name of the last map that the layer is computed from."""
        black = torch.zeros(
            1, self.preprocessing.channels, *self.default_size, dtype=torch.float32, device="cpu"
        )
        plain = self.sibling(self.layer)  # a session may run a copy
        black.requires_grad_()  # tells maps that the image reaches from others
        with evaluation_mode(self.model, torch.device("cpu")), RUNNING, torch.enable_grad():
            return last_map(self.model, lambda: plain(black))

    def sibling(self, layer: str) -> Layer:
        """Return another layer of the network, or this one without its session."""
        axis = self.channel_axis if layer == self.layer else None
        found = Layer(
            self.model,
            layer,
            self.preprocessing,
            name=str(LayerName(self.layer_name.network, layer)),
            channel_axis=axis,
            inputs=self.inputs,
        )
        found.weights = dict(self.weights)
        return found

    def _chain(self) -> nn.Sequential:
        """Return the network up to the layer; raise ValueError if it is no plain chain."""
        model, layer = self.model, self.layer
        if type(model) is not nn.Sequential or layer not in dict(model.named_children()):
            raise ValueError(f"{self.name} is not a layer of a plain chain")
        names = list(model._modules)
        upto = names[: names.index(layer) + 1]
        return nn.Sequential(OrderedDict((name, model.get_submodule(name)) for name in upto))


def _whole_name(name: str | None, layer: str) -> str:
    """Return the name of a layer; `name` is that of its network or already the whole."""
    if not name or name == layer:
        return layer
    return name if "/" in name else str(LayerName(name, layer))


def _network_of(name: str, layer: str) -> str:
    """Return the part of a name before "/LAYER"; "" if the name does not end in "/LAYER"."""
    network = name.removesuffix(f"/{layer}")
    return "" if network == name else network


def last_map(network: nn.Module, run: Callable[[], object]) -> str | None:
    """Return the name of the last submodule to return a map (outer ones return after inner).

    A map is (N, K, H', W') with more than one response along both axes. `run` calls the network.
    Maps without a gradient do not count: the image does not reach them. Nor do complex ones.

    >>> head = nn.Sequential(nn.Conv2d(3, 4, 9), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    >>> last_map(head, lambda: head(torch.zeros(1, 3, 32, 32)))
    '0'
    """
    maps: list[str] = []

    def note(name: str, module: nn.Module, inputs: Any, output: Any) -> None:
        if not isinstance(output, Tensor) or output.ndim != 4 or min(output.shape[2:]) < 2:
            return
        if output.requires_grad and output.is_floating_point():
            maps.append(name)

    with ExitStack() as undo:
        for name, module in network.named_modules():
            if name:
                undo.callback(module.register_forward_hook(partial(note, name)).remove)
        run()
    return maps[-1] if maps else None
