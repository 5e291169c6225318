"""A copy of a network that computes the same outputs faster, or in less memory.

The copy shares the network's weights. Its batch normalization is folded into convolutions
(`folding`), its channels lie last in memory on a CPU, and if asked for, its activations are
recomputed in the backward pass (`checkpointing`). A copy is used only if its outputs equal
the network's, up to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from preimage.representations.checkpointing import checkpoint_
from preimage.representations.folding import fold_, shadow
from preimage.representations.forward_until import check_outputs, forward_until
from preimage.representations.layer_path import LayerPath

_SAME = 1e-4
"""The largest ||copy - network|| / ||network|| of outputs that count as equal."""


class NoCopyError(Exception):
    """The error for a network without a copy of equal outputs; its message is the reason."""


def fast_copy(
    network: nn.Module, x: Tensor, layers: Sequence[str], *, folds: bool, recomputes: bool
) -> nn.Module:
    """Return a copy that computes the outputs of some layers as the network does.

    Args:
        network: the network, in evaluation mode and without gradients of its own.
        x: an input, on which network and copy are compared.
        layers: dotted names of submodules.
        folds: whether to fold batch normalization; the copy then needs `channels_last` inputs.
        recomputes: whether to recompute activations in the backward pass.

    Raises:
        NoCopyError: if the network cannot be copied, if the copy fails, or if their outputs
            differ or are not finite.
        ValueError: see `check_outputs`.
    """
    with torch.no_grad():
        expected = _outputs(network, x, layers)
    if not bool(expected.isfinite().all()):
        raise NoCopyError("its outputs are NaN or infinite")
    try:
        copied = shadow(network)
        if folds:
            with torch.enable_grad(), saved_tensors_hooks(_forget, _forget):
                fold_(copied, _outputs(copied, x, layers))
            x = channels_last(x)
        copied.requires_grad_(False)
        if recomputes:
            checkpoint_(copied, [LayerPath.parse(copied, name).segment for name in layers])
        with torch.no_grad():
            found = _outputs(copied, x, layers)
    except Exception as error:  # a network is anybody's code, which can raise anything
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise NoCopyError(f"it cannot be copied ({reason})") from error
    if not (found - expected).norm() <= _SAME * expected.norm():
        raise NoCopyError("a copy computes something else")
    return copied


def channels_last(x: Tensor) -> Tensor:
    """Return `x` in the memory layout that is fastest for convolutions: on a CPU, channels last."""
    return x.contiguous(memory_format=torch.channels_last) if x.device.type == "cpu" else x


def _outputs(network: nn.Module, x: Tensor, layers: Sequence[str]) -> Tensor:
    """Return the outputs of all layers, one after the other in a vector."""
    found = forward_until(network, x.clone(), layers)  # a layer may change its input in place
    return torch.cat([y.flatten() for y in check_outputs(network, found, layers).values()])


def _forget(saved: Any) -> Any:
    """Keep nothing for a backward pass, since only the graph is needed."""
    return None
