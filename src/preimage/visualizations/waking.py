"""A second search for images whose target stayed asleep in the first search.

A rectifier that is off for the start, and for every image that the search makes of it, has no
gradient: the image fades, and the response remains below the largest that photos give. Such images
are searched for again, with the same noise and views, while gradients pass activations that would
stop them (`representations.redirection`). All other images are those of the first search.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from preimage.losses import FunctionLoss, InnerProduct
from preimage.objective import Energy
from preimage.representations.base import Representation
from preimage.representations.redirection import pass_stopped_gradients
from preimage.visualizations.pre_image import PreImage
from preimage.visualizations.responses import ResponseRange
from preimage.visualizations.solve import Problem

_EXCITED = 0.01
"""A target is not asleep if its response is within this fraction of the photos' range below the
largest, and not as close to the smallest. Activations such as ReLU6 stop gradients there, too."""
_STOPPED = 1e-3
"""Activations keep a target asleep if they leave at most this fraction of the gradient."""


@dataclass(frozen=True, slots=True)
class Targets:
    """The targets that the images of a problem are to excite.

    Attributes:
        representation: the representation whose components the targets are, in an open session.
        ranges: the responses of each target to photos.
        loss: the loss of each target.
        of_images: the indices of the targets of each image; several for a mosaic.
    """

    representation: Representation
    ranges: Sequence[ResponseRange]
    loss: InnerProduct | FunctionLoss
    of_images: Sequence[Sequence[int]]

    def count_asleep(self, found: PreImage, rows: Sequence[int]) -> list[int]:
        """Return how many targets each result leaves asleep; `rows` are the results' rows."""
        return [
            sum(self._is_asleep(target, image, code) for target in self.of_images[row])
            for row, image, code in zip(rows, found.images, found.codes, strict=True)
        ]

    def _is_asleep(self, target: int, image: Tensor, code: Tensor) -> bool:
        """Tell whether the response is below that to some photo, and activations keep it there."""
        known = self.ranges[target]
        loss, gradient = self.loss.select([target])(code[None])
        response = -float(loss)
        margin = _EXCITED * (known.largest - known.smallest)
        if response > known.smallest + margin and response > known.largest - margin:
            return False
        steepest = []
        for passes in (False, True):
            x = image[None].clone()
            with torch.enable_grad():
                codes = self.representation(x.requires_grad_())
            if passes:
                pass_stopped_gradients(codes)
            of_image = self.representation.gradient(codes, x, gradient)
            steepest.append(float(of_image.abs().max()))
        return steepest[1] > 0 and steepest[0] <= _STOPPED * steepest[1]


def search(problem: Problem, targets: Targets, run: Callable[[Problem], PreImage]) -> PreImage:
    """Return what `run` finds for a problem; it runs twice for images that leave targets asleep.

    `targets` are those of the problem's images.
    """
    found = run(problem)
    if not targets.representation.is_network:
        return found
    everything, is_joint = range(len(found)), problem.loss.is_joint
    before = targets.count_asleep(found, everything)
    rows = [row for row in everything if before[row]]
    if not rows or found.interrupted:
        return found
    rows = list(everything) if is_joint else rows
    again = run(dataclasses.replace(problem if is_joint else problem.select(rows), wakes=True))
    if again.interrupted:
        return dataclasses.replace(found, interrupted=True)
    after = targets.count_asleep(again, rows)
    groups = [problem.sources[row] if is_joint else row for row in rows]  # of joint images
    woken: Counter[int] = Counter()
    for row, group, now in zip(rows, groups, after, strict=True):
        woken[group] += before[row] - now
    better = {row: n for n, row in enumerate(rows) if woken[groups[n]] > 0}
    return _replaced(found, again, better) if better else found


def _replaced(found: PreImage, again: PreImage, sources: dict[int, int]) -> PreImage:
    """Return the results with some rows taken from those of a second search.

    `sources` gives the row of the second search for each row that it replaces.
    """
    to, of = list(sources), list(sources.values())

    def put(old: Tensor, new: Tensor) -> Tensor:
        result = old.clone()
        result[to] = new[of]
        return result

    terms = found.trace.terms
    terms[..., to] = again.trace.terms[..., of]
    pairs = zip(found.snapshots, again.snapshots, strict=True)
    return dataclasses.replace(
        found,
        images=put(found.images, again.images),
        codes=put(found.codes, again.codes),
        trace=Energy.from_terms(terms, found.trace.loss_weight),
        snapshots=tuple((step, put(old, new)) for (step, old), (_, new) in pairs),
        seconds=found.seconds + again.seconds * len(again) / len(found),
    )
