"""A copy of a network that computes the same outputs faster, or in less memory.

The copy shares the network's weights. Its batch normalization is folded into convolutions
(`folding`), its channels lie last in memory on a CPU, and if asked for, its activations are
recomputed in the backward pass (`checkpointing`). A copy is used only if its outputs equal
the network's, up to rounding.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from preimage.representations.checkpointing import checkpoint_
from preimage.representations.folding import fold_, shadow
from preimage.representations.forward_until import check_outputs, forward_until
from preimage.representations.kept_state import kept_buffers
from preimage.representations.layer_path import LayerPath
from preimage.representations.network_error import Part, guarded

SAME = 1e-4
"""The largest `difference` of outputs that count as equal."""


class NoCopyError(Exception):
    """The error for a network without a copy of equal outputs; its message is the reason."""


def fast_copy(
    part: Part, x: Tensor, expected: Tensor, *, folds: bool, recomputes: bool
) -> nn.Module:
    """Return a copy that computes the outputs of some layers as the network does.

    Args:
        part: a network, in evaluation mode and without parameter gradients, and its layers.
        x: an input for which the outputs of the network and of its copy are compared.
        expected: the `trial_outputs` of the network for `x`.
        folds: whether to fold batch normalization; the copy then needs `channels_last` inputs.
        recomputes: whether to recompute activations in the backward pass.

    Raises:
        NoCopyError: if the network cannot be copied, if the copy fails, or if their outputs
            differ or are not finite.
    """
    if not bool(expected.isfinite().all()):
        raise NoCopyError("its outputs are NaN or infinite")
    try:
        copied = shadow(part.network)
        copy = dataclasses.replace(part, network=copied)
        if folds:
            with torch.enable_grad(), saved_tensors_hooks(_forget, _forget):
                with kept_buffers(copied):
                    output = trial_outputs(copy, x)
                fold_(copied, output)
            x = channels_last(x)
        copied.requires_grad_(False)
        if recomputes:
            checkpoint_(copied, [LayerPath.parse(copied, name).segment for name in part.layers])
        with torch.no_grad(), kept_buffers(copied):
            found = trial_outputs(copy, x)
    except Exception as error:  # a network is anybody's code, which can raise anything
        cause = error.__cause__ or error
        reason = (str(cause) or type(cause).__name__).splitlines()[0]
        raise NoCopyError(f"it cannot be copied ({reason})") from error
    if not difference(found, expected) <= SAME:
        raise NoCopyError("a copy computes something else")
    return copied


def difference(found: Tensor, expected: Tensor) -> float:
    """Return ||found - expected|| / ||expected||; 0 if both are zero."""
    if found.shape != expected.shape:
        return math.inf
    distance = float(torch.linalg.vector_norm(found - expected, dtype=torch.float64))
    norm = float(torch.linalg.vector_norm(expected, dtype=torch.float64))
    return distance / norm if norm else math.inf if distance else 0.0


def channels_last(x: Tensor) -> Tensor:
    """Return `x` in the memory layout that is fastest for convolutions: on a CPU, channels last."""
    return x.contiguous(memory_format=torch.channels_last) if x.device.type == "cpu" else x


def trial_outputs(part: Part, x: Tensor, seed: int = 0) -> Tensor:
    """Return the outputs of all layers, one after the other in a vector.

    The run uses torch's random numbers from `seed` on; the generator is restored afterwards.

    Raises:
        NetworkError: if the network raises anything.
        ValueError: see `check_outputs`.
    """
    devices = [x.device] if x.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        with guarded(part, x):  # on a clone: a layer may change its input in place
            found = forward_until(part.network, x.clone(), part.layers, part.inputs_for(x))
    outputs = check_outputs(part.network, found, part.layers)
    return torch.cat([y.flatten() for y in outputs.values()])


def _forget(saved: Any) -> Any:
    """Keep nothing for a backward pass, since only the graph is needed."""
    return None
