"""A network made ready for many calls on a device, and restored afterwards."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from functools import partial
from typing import Any, final

import torch
from torch import Tensor, nn

from preimage.representations.acceleration import Recorded, accelerated
from preimage.representations.borrowing import RUNNING, tensors
from preimage.representations.execution import Ran
from preimage.representations.fast_copy import (
    SAME,
    NoCopyError,
    channels_last,
    difference,
    fast_copy,
    trial_outputs,
)
from preimage.representations.forward_until import forward_until
from preimage.representations.kept_state import kept_buffers, kept_state
from preimage.representations.network_error import (
    NetworkError,
    Part,
    check_finite,
    described,
    guarded,
)

_STILL_SAME = 1e-3
"""The largest `difference` of network and copy for later images, which may round more."""


class Session:
    """A representation ready for many calls; this base class has no network."""

    @property
    def ran(self) -> Ran:
        """The record of how the representation has run so far."""
        return Ran()

    @property
    def weight_bytes(self) -> int:
        """Memory of the network's weights; 0 without a network."""
        return 0

    def recompute(self) -> bool:
        """Recompute activations from now on, instead of keeping them for the backward pass.

        Returns:
            False if it does so already, or if there is nothing to recompute.
        """
        return False

    def compare_again(self) -> None:
        """At the next call, compare a copy of the network with the network, if a copy runs."""


@final
class NetworkSession(Session):
    """A network in evaluation mode that runs up to some layers many times.

    The first call runs the network twice on one image, and warns if the results differ. It then
    makes a copy with `fast_copy`. If that fails, the network runs as it is, after a warning. The
    copy is compared with the network for each new size of images, and if `compare_again` asks.
    Threads that run one network as it is take turns.

    `accelerate` is a mode of `preimage.representations.execution`. What is restored at the end of
    the session is pushed to `undo`: parameters, if a forward pass writes them.
    """

    def __init__(self, part: Part, accelerate: str, undo: ExitStack) -> None:
        self._part, self._network, self._accelerate = part, part.network, accelerate
        self._undo = undo
        self._recomputes = self._is_copy = self._folded = False
        self._is_tried = self._is_random = False
        self._copy = self._network
        self._call: Callable[[Tensor], dict[str, Any]] | None = None
        self._fallback: str | None = None
        self._compared: set[torch.Size] = set()

    def __call__(self, x: Tensor) -> dict[str, Any]:
        """Return the layers' outputs for the network's input `x`, by name.

        Raises:
            NetworkError: if the network raises anything, or its first outputs are not finite.
        """
        if self._call is None:
            with RUNNING, kept_state(self._network) as written:
                network = self._prepared(x[:1].detach())
            for restore in written:
                self._undo.callback(restore)
            self._is_copy = network is not self._network
            self._call = accelerated(partial(_run, self._part, network), self._accelerate)
            self._copy, self._compared = network, {x.shape[-2:]}
        elif self._is_copy and x.shape[-2:] not in self._compared:
            self._compare(x[:1].detach())
        with nullcontext() if self._is_copy else RUNNING, guarded(self._part, x):
            return self._call(self._to_copy(x))

    def _prepared(self, x: Tensor) -> nn.Module:
        """Return a copy, or the network itself if none is needed or possible."""
        with kept_buffers(self._network):
            expected = self._expected(x)
        folds, known = self._accelerate != "plain", self._fallback
        self._folded = False
        if self._is_random or not (folds or self._recomputes):
            return self._network
        self._fallback = None
        try:
            copied = fast_copy(self._part, x, expected, folds=folds, recomputes=self._recomputes)
        except NoCopyError as error:
            self._fallback = str(error)
            if self._fallback != known:
                self._warn(f"runs as it is, without a faster copy: {error}")
            return self._network
        self._folded = folds
        return copied

    def _compare(self, x: Tensor) -> None:
        """Let the network run as it is from now on if its copy computes something else for `x`."""
        copy, same = dataclasses.replace(self._part, network=self._copy), self._to_copy(x)
        with RUNNING, kept_buffers(self._network), kept_buffers(self._copy), torch.no_grad():
            expected, found = trial_outputs(self._part, x), trial_outputs(copy, same)
        self._compared.add(x.shape[-2:])
        if not bool(expected.isfinite().all()) or difference(found, expected) <= _STILL_SAME:
            return
        self._is_copy = self._folded = False
        self._call = accelerated(partial(_run, self._part, self._network), self._accelerate)
        self._fallback = "a copy computes something else for some images"
        self._warn(
            "runs as it is from now on: its faster copy computes something else for "
            f"{described(x)}, since its forward pass depends on the values or the size of the "
            "image; the images found so far may be worse, which accelerate='plain' avoids"
        )

    def _to_copy(self, x: Tensor) -> Tensor:
        return channels_last(x) if self._folded else x

    def _expected(self, x: Tensor) -> Tensor:
        """Return the outputs for one image as a vector; warn if two first runs disagree."""
        with torch.no_grad():
            expected = trial_outputs(self._part, x)
            again = expected if self._is_tried else trial_outputs(self._part, x, seed=1)
        if not bool(expected.isfinite().all()):
            check_finite(self._part)
            raise NetworkError(
                f"{self._part.label} returns NaN or infinite values at or before layer "
                f"{', '.join(self._part.layers)}, given {described(x)}, although its weights are "
                "finite"
            )
        if difference(again, expected) > SAME:
            self._is_random, self._fallback = True, "its forward pass is random"
            self._warn(
                f"gives two results for one image, {100 * difference(again, expected):.2g} % "
                "apart: its forward pass is random (torch.nn.functional.dropout needs "
                "training=self.training) or keeps a state; it runs as it is"
            )
        self._is_tried = True
        return expected

    def _warn(self, words: str) -> None:
        warnings.warn(f"{self._part.label} {words}", stacklevel=2)

    @property
    def ran(self) -> Ran:
        """See `Session.ran`."""
        weights = (p.dtype for p in self._network.parameters() if p.is_floating_point())
        is_recorded = isinstance(self._call, Recorded) and self._call.has_run
        dtype = torch.bfloat16 if self._accelerate == "bf16" else next(weights, torch.float32)
        return Ran(
            network="folded" if self._folded else "plain",
            mode=self._accelerate if is_recorded else "eager",
            precision=str(dtype).removeprefix("torch."),
            recomputed=self._recomputes and self._call is not None and self._fallback is None,
            fallback=self._fallback,
        )

    @property
    def weight_bytes(self) -> int:
        """Memory of the network's parameters and buffers."""
        return sum(t.numel() * t.element_size() for t in tensors(self._network))

    def recompute(self) -> bool:
        """See `Session.recompute`."""
        if self._recomputes:
            return False
        self._recomputes, self._call = True, None
        return True

    def compare_again(self) -> None:
        """See `Session.compare_again`."""
        self._compared.clear()


def _run(part: Part, network: nn.Module, x: Tensor) -> dict[str, Any]:
    """Run a network, which may be a copy of that of the part, up to the layers of the part.

    A method of the session would refer to it, so that only the garbage collector would find a copy
    that has come out of use.
    """
    return forward_until(network, x, part.layers, part.inputs_for(x))
