"""A pass through a network up to some of its submodules, for `Layer` and `Layers`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from preimage.representations.execution import Execution
from preimage.representations.forward_until import check_outputs, forward_until
from preimage.representations.layer_path import LayerPath
from preimage.representations.session import NetworkSession, device_of, evaluation_mode

_COLORS = {1: "gray", 3: "color"}


class Trunk:
    """A network that runs up to the last of its submodules `layers`, given by dotted name.

    A trunk is no `nn.Module`: converting or saving a representation leaves the network alone.

    Raises:
        ValueError: if the network has no such layer; the message offers the nearest names.
    """

    def __init__(self, model: nn.Module, layers: Sequence[str]) -> None:
        for layer in layers:
            LayerPath.parse(model, layer)
        self.model = model
        self.layers = tuple(layers)
        self._session: NetworkSession | None = None
        self._shapes: dict[tuple[int, int], dict[str, tuple[int, ...]]] = {}

    def __call__(self, x: Tensor) -> dict[str, Tensor]:
        """Return the layers' outputs for the network's input `x`, by name, in the dtype of `x`.

        Raises:
            ValueError: if a layer is not reached, or its output is not a tensor or does not
                depend on the image.
        """
        if self._session is not None:
            return self._outputs(x, self._session)
        with evaluation_mode(self.model, x.device):
            return self._outputs(x, None)

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
        """Return the shape of each layer's output for one image, by a trial run on a black image.

        Raises:
            ValueError: if the network, called `name`, does not take images of this size.
        """
        size = (height, width)
        if size not in self._shapes:
            device = device_of(self.model) or torch.device("cpu")
            x = torch.zeros(1, channels, *size, device=device, requires_grad=True)
            try:  # on a clone: a layer may change its input in place, which a leaf forbids
                with torch.enable_grad(), evaluation_mode(self.model, device):
                    outputs = self._outputs(x.clone(), None)
            except (RuntimeError, AssertionError, IndexError) as error:
                reason = (str(error) or type(error).__name__).splitlines()[0]
                kind = _COLORS.get(channels, f"{channels}-channel")
                raise ValueError(
                    f"{name} does not take {kind} images of {height} x {width} pixels: {reason}"
                ) from None
            self._shapes[size] = {key: tuple(y.shape[1:]) for key, y in outputs.items()}
        return self._shapes[size]
