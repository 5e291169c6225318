"""A pass through a network up to some of its submodules, for `Layer` and `Layers`."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from preimage.preprocessing import Preprocessing
from preimage.representations.axes import Axes
from preimage.representations.borrowing import RUNNING, device_of, evaluation_mode, tensors
from preimage.representations.code_grid import CodeGrid
from preimage.representations.execution import Execution
from preimage.representations.forward_until import check_outputs, forward_until
from preimage.representations.inner_product import inner_product_gradient
from preimage.representations.kept_state import kept_buffers, kept_weights, weights_mark
from preimage.representations.layer_path import LayerPath
from preimage.representations.layouts import Layouts
from preimage.representations.network_error import (
    NetworkError,
    Part,
    check_finite,
    guarded,
    only_images,
)
from preimage.representations.no_gradient import NoGradientError, no_gradient
from preimage.representations.position_axes import quarters
from preimage.representations.repeatable import repeatable
from preimage.representations.session import NetworkSession

_SIZE_ERRORS = (RuntimeError, AssertionError, IndexError, ValueError)
_CPU = torch.device("cpu")
_COLORS = {1: "gray", 3: "color"}


class Trunk:
    """A network that runs up to the last of its submodules `layers`, given by dotted name.

    A trunk is no `nn.Module`: converting or saving a representation leaves the network alone.
    Several Python threads may use it at once; each has its own session.

    Args:
        model: the network.
        layers: dotted names of submodules.
        preprocessing: what turns images of the core into inputs of the network.
        name: the name of the network that users know.
        channel_axes: the axis of channels in each layer's own output; None for one to be found.
        inputs: further inputs of the network, by keyword.

    Raises:
        ValueError: if the network has no such layer; the message offers the nearest names.
    """

    def __init__(
        self,
        model: nn.Module,
        layers: Sequence[str],
        preprocessing: Preprocessing,
        *,
        name: str = "",
        channel_axes: Mapping[str, int | None] | None = None,
        inputs: Mapping[str, Any] | None = None,
    ) -> None:
        for layer in layers:
            LayerPath.parse(model, layer)
        self.model, self.layers, self.inputs = model, tuple(layers), dict(inputs or {})
        self._part = Part(model, self.layers, self.inputs, name)
        self._preprocessing = preprocessing
        self._layouts = Layouts(model, dict.fromkeys(layers) | dict(channel_axes or {}))
        self._clips = False
        self._weights: object = None
        self._dtype: torch.dtype | None = None
        self._sessions: dict[int, NetworkSession] = {}
        self._shapes: dict[tuple[int, int], dict[str, tuple[int, ...]]] = {}
        self._grids: dict[tuple[int, int], dict[str, CodeGrid | None]] = {}

    def __call__(self, x: Tensor) -> dict[str, Tensor]:
        """Return the layers' codes of images `x` of the core, by name, in the dtype of `x`.

        Raises:
            NetworkError: if the network raises anything.
            ValueError: if a layer is not reached, or its output is not a tensor or does not
                depend on the image.
        """
        session = self._sessions.get(threading.get_ident())
        x = self._preprocessing.to_network(x)
        images, height, width = len(x), *x.shape[-2:]
        trial = partial(self._trial, "the network")
        if session is not None:
            outputs = self._outputs(x, session)
            return self._layouts.codes(outputs, images, (height, width), trial)
        with evaluation_mode(self.model, x.device):
            with self._kept_weights():
                outputs = self._outputs(x, None)
            if not all(bool(output.isfinite().all()) for output in outputs.values()):
                check_finite(self._part)
            return self._layouts.codes(outputs, images, (height, width), trial)

    def _outputs(self, x: Tensor, session: NetworkSession | None) -> dict[str, Tensor]:
        outputs = check_outputs(self.model, self._found(x, session), self.layers)
        for layer, output in outputs.items():
            if x.requires_grad and torch.is_grad_enabled() and not output.requires_grad:
                raise self._no_gradient(layer, x)
        return {layer: _own(output.to(x.dtype), output) for layer, output in outputs.items()}

    def _found(self, x: Tensor, session: NetworkSession | None) -> dict[str, Any]:
        """Return the layers' outputs, for `x` clipped to 0..255 if the network refuses `x`."""
        if self._clips:
            return self._run(self._clipped(x), session)
        try:
            return self._run(x, session)
        except NetworkError as error:
            clipped = self._clipped(x)
            if torch.equal(clipped, x):
                raise
            try:
                found = self._run(clipped, session)
            except NetworkError:
                raise error from error.__cause__
        self._clips = True
        warnings.warn(
            f"{self._part.label} fails for images that leave the range of photos: each pixel is "
            "clipped to that range before the network sees it",
            stacklevel=2,
        )
        return found

    def _clipped(self, x: Tensor) -> Tensor:
        """Return inputs of the network clipped to the values of photos, 0 to 255."""
        mean = self._preprocessing.to_255(torch.zeros_like(x[:1, :, :1, :1]))
        low, high = (self._preprocessing.to_network(bound - mean) for bound in (0, 255))
        return x.clamp(low, high)

    def _run(self, x: Tensor, session: NetworkSession | None) -> dict[str, Any]:
        """Return the layers' outputs for `x` in the number type that the network takes."""
        usual = self._usual_dtype(x)
        try:
            return self._run_as(x.to(usual), session)
        except NetworkError as error:
            for dtype in self._other_dtypes(usual):
                try:
                    found = self._run_as(x.to(dtype), session)
                except NetworkError:
                    continue
                self._dtype = dtype
                return found
            raise error from error.__cause__

    def _usual_dtype(self, x: Tensor) -> torch.dtype:
        weights = (p.dtype for p in self.model.parameters() if p.is_floating_point())
        return self._dtype or next(weights, x.dtype)

    def _other_dtypes(self, usual: torch.dtype) -> list[torch.dtype]:
        """Return the other number types of the network, those of layers such as convolutions first.

        Single numbers and vectors, such as a scale, can have a type of their own.
        """
        found = [t for t in tensors(self.model) if t.is_floating_point() and t.dtype != usual]
        return list(dict.fromkeys(t.dtype for t in sorted(found, key=lambda t: t.ndim < 2)))

    def _run_as(self, given: Tensor, session: NetworkSession | None) -> dict[str, Any]:
        if session is not None:
            return session(given)
        with RUNNING, guarded(self._part, given):
            return forward_until(self.model, given, self.layers, self._part.inputs_for(given))

    @contextmanager
    def session(self, device: torch.device, execution: Execution) -> Iterator[NetworkSession]:
        """See `Representation.session`; if this thread has one open already, yield that one."""
        execution.check(device)
        thread = threading.get_ident()
        if thread in self._sessions:
            yield self._sessions[thread]
            return
        with evaluation_mode(self.model, device), repeatable(device), ExitStack() as undo:
            self._sessions[thread] = NetworkSession(self._part, execution.accelerate, undo)
            try:
                yield self._sessions[thread]
            finally:
                del self._sessions[thread]

    @contextmanager
    def _kept_weights(self) -> Iterator[None]:
        """Restore parameters that a pass writes, unless the network is known to write none."""
        if self._weights == weights_mark(self.model):
            yield
            return
        with kept_weights(self.model) as written:
            yield
        self._weights = None if written else weights_mark(self.model)

    def gradient(self, codes: Tensor, x: Tensor, weights: Tensor) -> Tensor:
        """Return the gradient of the inner product of codes and weights with respect to `x`.

        Raises:
            NetworkError: if the network's own backward pass raises anything.
            ValueError: if no gradient reaches the image.
        """
        with guarded(self._part, x, "fails in the backward pass from"):
            gradient = inner_product_gradient(codes, x, weights)
        if gradient is None:
            raise self._no_gradient(self.layers[-1], self._preprocessing.to_network(x))
        return gradient

    def _no_gradient(self, layer: str, x: Tensor) -> NoGradientError:
        """Return the error for a layer whose gradient does not reach the network's input `x`."""
        generator = torch.Generator().manual_seed(0)
        drawn = torch.rand(x[:1].shape, generator=generator, dtype=torch.float32, device=_CPU)
        mean = self._preprocessing.to_255(torch.zeros_like(drawn))
        noise = self._preprocessing.to_network(255 * drawn - mean)
        x, noise = (image.to(x.device, self._usual_dtype(x)) for image in (x, noise))
        return no_gradient(self._part, layer, x, noise)

    def shapes(self, name: str, height: int, width: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of each layer's code of one image, by a trial run on a black image.

        Raises:
            ValueError: if the network, called `name`, does not take images of this size.
        """
        size = (height, width)
        if size not in self._shapes:
            trial = partial(self._trial, name)
            outputs = trial(1, size)
            codes = self._layouts.codes(outputs, 1, size, trial)
            self._grids[size] = self._layouts.grids(outputs, size, trial)
            self._shapes[size] = {layer: tuple(code.shape[1:]) for layer, code in codes.items()}
        return self._shapes[size]

    def grids(self, name: str, height: int, width: int) -> dict[str, CodeGrid | None]:
        """Return the grid of each layer's code, None if it has none; see `shapes`."""
        self.shapes(name, height, width)
        return self._grids[height, width]

    def axes(self, name: str, height: int, width: int) -> Mapping[str, Axes]:
        """Return the axes of each layer's own output; see `shapes`."""
        self.shapes(name, height, width)
        return self._layouts.axes

    def _trial(self, name: str, images: int, size: tuple[int, int]) -> dict[str, Tensor]:
        """Return the layers' own outputs for `images` images; see `layouts.Trial`.

        Raises:
            ValueError: see `shapes`.
        """
        device, channels = device_of(self.model) or _CPU, self._preprocessing.channels
        try:  # on a clone: a layer may change its input in place, which a leaf forbids
            with (
                evaluation_mode(self.model, device),
                torch.set_grad_enabled(images == 1),
                torch.random.fork_rng([device] if device.type == "cuda" else []),
                only_images(self._part),
                RUNNING,
                kept_buffers(self.model),
                self._kept_weights(),
            ):
                x = _trial_images(images, channels, size)
                return self._outputs(x.to(device).requires_grad_().clone(), None)
        except NetworkError as error:
            if not isinstance(error.__cause__, _SIZE_ERRORS):
                raise
            kind = _COLORS.get(channels, f"{channels}-channel")
            raise NetworkError(
                f"{name} does not take {kind} images of {size[0]} x {size[1]} pixels: {error}"
            ) from error.__cause__


def _trial_images(images: int, channels: int, size: tuple[int, int]) -> Tensor:
    """Return the images of a trial, see `layouts.Trial`: inputs of the network (N, D, H, W)."""
    x = torch.zeros(images, channels, *size, dtype=torch.float32, device=_CPU)
    if images == 3:
        return quarters(x[:1])
    corner = x[1:, :, : max(size[0] // 4, 1), : max(size[1] // 4, 1)]
    generator = torch.Generator().manual_seed(0)
    corner += torch.randn(corner.shape, generator=generator, dtype=torch.float32, device=_CPU)
    return x


def _own(code: Tensor, output: Tensor) -> Tensor:
    """Return a code that a later pass cannot overwrite: networks may return a tensor they reuse.

    With gradients autograd would notice, so that nothing is copied.
    """
    return code.clone() if code is output and not code.requires_grad else code
