"""A pass through a network up to some of its submodules, for `Layer` and `Layers`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from preimage.representations.code_grid import CodeGrid
from preimage.representations.execution import Execution
from preimage.representations.forward_until import check_outputs, forward_until
from preimage.representations.layer_path import LayerPath
from preimage.representations.layouts import Layouts
from preimage.representations.session import NetworkSession, device_of, evaluation_mode

_COLORS = {1: "gray", 3: "color"}


class Trunk:
    """A network that runs up to the last of its submodules `layers`, given by dotted name.

    A trunk is no `nn.Module`: converting or saving a representation leaves the network alone.

    Raises:
        ValueError: if the network has no such layer; the message offers the nearest names.
    """

    def __init__(
        self,
        model: nn.Module,
        layers: Sequence[str],
        channel_axes: Mapping[str, int | None] | None = None,
    ) -> None:
        for layer in layers:
            LayerPath.parse(model, layer)
        self.model = model
        self.layers = tuple(layers)
        self._session: NetworkSession | None = None
        self._layouts = Layouts(model, dict.fromkeys(layers) | dict(channel_axes or {}))
        self._shapes: dict[tuple[int, int], dict[str, tuple[int, ...]]] = {}
        self._grids: dict[tuple[int, int], dict[str, CodeGrid | None]] = {}

    def __call__(self, x: Tensor) -> dict[str, Tensor]:
        """Return the layers' codes for the network's input `x`, by name, in the dtype of `x`.

        Raises:
            ValueError: if a layer is not reached, or its output is not a tensor or does not
                depend on the image.
        """
        if self._session is not None:
            outputs = self._outputs(x, self._session)
        else:
            with evaluation_mode(self.model, x.device):
                outputs = self._outputs(x, None)
        images, channels, height, width = x.shape
        trial = partial(self._trial, "the network", channels)
        return self._layouts.codes(outputs, images, (height, width), trial)

    def _outputs(self, x: Tensor, session: NetworkSession | None) -> dict[str, Tensor]:
        dtype = next((p.dtype for p in self.model.parameters() if p.is_floating_point()), x.dtype)
        given = x.to(dtype)
        found = session(given) if session else forward_until(self.model, given, self.layers)
        outputs = check_outputs(self.model, found, self.layers)
        for layer, output in outputs.items():
            if x.requires_grad and torch.is_grad_enabled() and not output.requires_grad:
                raise ValueError(f"the output of layer {layer!r} does not depend on the image")
        return {layer: output.to(x.dtype) for layer, output in outputs.items()}

    @contextmanager
    def session(self, device: torch.device, execution: Execution) -> Iterator[NetworkSession]:
        """See `Representation.session`; if a session is open already, yield the open one."""
        execution.check(device)
        if self._session is not None:
            yield self._session
            return
        with evaluation_mode(self.model, device):
            self._session = NetworkSession(self.model, self.layers, execution.accelerate)
            try:
                yield self._session
            finally:
                self._session = None

    def shapes(
        self, name: str, channels: int, height: int, width: int
    ) -> dict[str, tuple[int, ...]]:
        """Return the shape of each layer's code of one image, by a trial run on a black image.

        Raises:
            ValueError: if the network, called `name`, does not take images of this size.
        """
        size = (height, width)
        if size not in self._shapes:
            trial = partial(self._trial, name, channels)
            outputs = trial(1, size)
            codes = self._layouts.codes(outputs, 1, size, trial)
            self._grids[size] = self._layouts.grids(outputs, size, trial)
            self._shapes[size] = {layer: tuple(code.shape[1:]) for layer, code in codes.items()}
        return self._shapes[size]

    def grids(
        self, name: str, channels: int, height: int, width: int
    ) -> dict[str, CodeGrid | None]:
        """Return the grid of each layer's code, None if it has none; see `shapes`."""
        self.shapes(name, channels, height, width)
        return self._grids[height, width]

    def _trial(
        self, name: str, channels: int, images: int, size: tuple[int, int]
    ) -> dict[str, Tensor]:
        """Return the layers' own outputs for `images` images: a black one, and noise in a corner.

        Raises:
            ValueError: see `shapes`.
        """
        device = device_of(self.model) or torch.device("cpu")
        x = torch.zeros(images, channels, *size)
        corner = x[1:, :, : max(size[0] // 4, 1), : max(size[1] // 4, 1)]
        corner += torch.randn(corner.shape, generator=torch.Generator().manual_seed(0))
        x = x.to(device).requires_grad_()
        try:  # on a clone: a layer may change its input in place, which a leaf forbids
            with torch.enable_grad(), evaluation_mode(self.model, device):
                return self._outputs(x.clone(), None)
        except (RuntimeError, AssertionError, IndexError) as error:
            reason = (str(error) or type(error).__name__).splitlines()[0]
            kind = _COLORS.get(channels, f"{channels}-channel")
            raise ValueError(
                f"{name} does not take {kind} images of {size[0]} x {size[1]} pixels: {reason}"
            ) from None
