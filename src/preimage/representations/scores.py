"""The layer of a network's class scores: the one whose output the network returns.

>>> head = nn.Sequential(nn.Flatten(), nn.Linear(12, 4), nn.Softmax(1))
>>> find_scores(Part(head, ("output",)), torch.rand(1, 3, 2, 2)).layer
'1'
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from preimage.representations.foreign_modules import takes_hooks
from preimage.representations.forward_until import forward_until
from preimage.representations.layer_path import OUTPUT, tensors_inside
from preimage.representations.network_error import Part, guarded

_USUAL = ("logits", "out")
"""The usual names of scores among several outputs: of transformers, and of torchvision's FCN."""


class Scores(NamedTuple):
    """The layer of the scores, and the shape of its output for one image."""

    layer: str
    shape: tuple[int, ...]


def find_scores(part: Part, x: Tensor) -> Scores:
    """Return the layer of the class scores, before a softmax or a sigmoid if there is one.

    The layer is the first submodule that returns the scores. If no submodule does, because a
    function computes them or two heads are averaged, it is the network's own output, "output".

    Args:
        part: the network, in evaluation mode, with its further inputs.
        x: an input for one image, which should not be constant.

    Raises:
        NetworkError: if the network raises anything.
        ValueError: if the network returns several tensors, none of which has a usual name, or none.
    """
    returned: list[tuple[str, Tensor, int]] = []
    calls: Counter[str] = Counter()

    def note(name: str, module: nn.Module, inputs: Any, output: Any) -> None:
        calls[name] += 1
        called = name if calls[name] == 1 else f"{name}#{calls[name]}"
        returned.extend((n, y, y._version) for n, y in tensors_inside(called, output))

    with ExitStack() as undo, torch.no_grad():
        for name, module in part.network.named_modules():
            if name and takes_hooks(module):
                undo.callback(module.register_forward_hook(partial(note, name)).remove)
        with guarded(part, x):
            output = forward_until(part.network, x, [OUTPUT], part.inputs_for(x))[OUTPUT]
    name, scores = _chosen(output)
    unchanged = [(name, y) for name, y, version in returned if y._version == version]
    for layer, found in (*_before_squashing(unchanged, scores), *_equal(unchanged, scores)):
        return Scores(layer, tuple(found.shape))
    return Scores(name, tuple(scores.shape))


def probabilities(scores: Tensor) -> Tensor:
    """Return the softmax of class scores, (N, classes); scores that are a softmax stay as they are.

    If there are scores at several positions, as a fully convolutional network has for a large
    image, return the mean of the softmax over them.
    """
    if scores.ndim != 3:  # not tokens: put the classes last
        scores = scores.flatten(2) if scores.ndim > 2 else scores[:, :, None]
        scores = scores.transpose(1, 2).contiguous()
    sums = scores.sum(2)
    is_softmax = bool((scores >= 0).all()) and torch.allclose(sums, torch.ones_like(sums))
    return (scores if is_softmax else scores.softmax(2)).mean(1)


def _chosen(output: Any) -> tuple[str, Tensor]:
    """Return the name and the value of the scores among the outputs of a network."""
    tensors = dict(tensors_inside(OUTPUT, output))
    usual = [f"{OUTPUT}.{name}" for name in _USUAL if f"{OUTPUT}.{name}" in tensors]
    names = list(tensors) if len(tensors) == 1 else usual
    if not names:
        there = ", ".join(list(tensors)[:4]) or "none"
        example = next(iter(tensors), OUTPUT)
        raise ValueError(
            f"the network returns several tensors or none ({there}): name the layer of the "
            f"class scores, as in Network(..., scores={example!r})"
        )
    return names[0], tensors[names[0]]


def _equal(returned: list[tuple[str, Tensor]], scores: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Yield the outputs of modules that equal the scores, perhaps in another shape."""
    for name, y in returned:
        if y.numel() == scores.numel() and torch.equal(y.flatten(), scores.flatten()):
            yield name, y


def _before_squashing(
    returned: list[tuple[str, Tensor]], scores: Tensor
) -> Iterator[tuple[str, Tensor]]:
    """Yield the outputs of modules whose softmax, log-softmax or sigmoid equals the scores."""
    if scores.ndim not in (2, 4) or not scores.is_floating_point():
        return
    for name, y in returned:
        if y.numel() == scores.numel() and y.is_floating_point():
            like = y if y.shape == scores.shape else y.flatten(1)
            for squashed in (like.softmax(1), like.log_softmax(1), like.sigmoid()):
                if squashed.shape == scores.shape and torch.allclose(squashed, scores, atol=1e-7):
                    yield name, y
