"""Caricature (section 7): what does a representation see in a photo?

The loss is the inner product of Eq. 4 with Phi_0 = max(0, Phi(x_0)), the start is the photo
x_0 itself, and C = 1 / Z with Z = ||Phi_0||^2, as in the authors' code. So whatever the
representation responds to in the photo grows stronger. By default, the priors are those of the
change x - x_0: what the change does not need, such as colors and contrast, stays the photo's.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import torch

from preimage.checks import check_size
from preimage.decoding import ImageLike
from preimage.losses import InnerProduct, squarable
from preimage.presets import ANCHORED, strength_of
from preimage.priors.function import PriorFunction
from preimage.representations.base import Representation
from preimage.representations.borrowing import ordinary_torch
from preimage.representations.execution import AUTO, Execution
from preimage.settings import Settings
from preimage.visualizations.pre_image import PreImage
from preimage.visualizations.progress_bar import ProgressLike
from preimage.visualizations.sharing import choose_workers, solve_shared
from preimage.visualizations.solve import (
    Problem,
    check_arguments,
    check_memory,
    check_options,
    choose_prior,
    load_photos,
    ready,
)


@ordinary_torch()
def caricature(
    representation: Representation,
    images: ImageLike | Sequence[ImageLike],
    *,
    strength: float | Sequence[float] | None = None,
    seeds: Sequence[int] = (0,),
    size: int | tuple[int, int] | None = None,
    settings: Settings | None = None,
    prior: str | PriorFunction | None = None,
    device: str | torch.device = "cpu",
    execution: Execution = AUTO,
    workers: int | None = None,
    progress: ProgressLike = "auto",
    snapshot_every: int = 0,
) -> PreImage:
    """Exaggerate what excites a representation in photos (section 7).

    Args:
        representation: Phi.
        images: one photo, or several of one size, as for `invert`.
        strength: C as a multiple of 1 / Z, one or several, each for one caricature. If None, it is
            that of the settings, or 10.
        seeds: random seeds, each for one caricature; a seed fixes the views.
        size: height and width of the photos, or the largest length of their longer side.
        settings: all constants; by default `ANCHORED`, which keeps the photo's colors. The
            authors' are `NNPREIMAGE`.
        prior: the prior of the variation in place of that of the settings: "tv", "opponent-tv", or
            a function of images (N, D, H, W) in gray levels; see docs/pictures.md.
        device: where to compute; a network is moved there during the call.
        execution: how a network runs, and the limit of memory.
        workers: number of processes that share the images, as for `invert`.
        progress: a function that is called after each step; "bar" for a progress bar (tqdm);
            "auto" for a bar in notebooks alone. None is silent everywhere.
        snapshot_every: steps between the images that `.snapshots` keeps; 0 keeps none.

    Raises:
        ImageError: if a photo cannot be used.
        ValueError: if the representation does not respond to a photo, or `strength` is not
            positive.
        NonFiniteEnergyError: if the energy becomes NaN or infinite.
        WorkerError: if a worker process dies.

    >>> import numpy as np
    >>> from torch import nn
    >>> from preimage.preprocessing import GRAY
    >>> from preimage.representations.layer import Layer
    >>> edges = Layer(nn.Sequential(nn.Conv2d(1, 4, 5)), "0", GRAY)
    >>> caricature(edges, np.eye(16)).images.shape
    torch.Size([1, 1, 16, 16])
    """
    seeds, size = check_arguments(representation, seeds), check_size(size)
    device = check_options(settings, device, execution, progress)
    settings = ANCHORED if settings is None else settings
    strengths = _list_strengths(settings, strength)
    settings = settings.replace(strength=strengths[0] if len(strengths) == 1 else None)
    settings, function = choose_prior(settings, prior)
    # 1. The target: the positive part of each photo's code, and Z.
    photos = load_photos(representation.preprocessing, images, size).to(device)
    height, width = photos.shape[-2:]
    count = len(photos) * len(strengths) * len(seeds)
    check_memory(representation, (height, width), count)
    workers, execution = choose_workers(workers, count, device, execution)
    with ready(representation, (height, width), count, settings, device, execution) as session:
        target = representation.encode(photos).clamp(min=0)
        units = squarable(target)  # 1, but for the largest and smallest of numbers
        squares = torch.stack([(code * code).sum() for code in target * units])
        if not bool((squares > 0).all()):
            raise ValueError(f"{representation.name} does not respond to the photo")
        # 2. A caricature for each photo, strength and seed, from the photo itself.
        rows = itertools.product(range(len(photos)), strengths, seeds)
        sources, row_strengths, row_seeds = zip(*rows, strict=True)
        chosen = list(sources)
        loss = InnerProduct((target * units * units)[chosen])
        problem = Problem(
            visualization="caricature", sources=sources, loss=loss,
            loss_weights=(squares.new_tensor(row_strengths) / squares[chosen]).tolist(),
            seeds=row_seeds, size=(height, width), start=photos[chosen],
        )  # fmt: skip
        found = solve_shared(
            workers, representation, session, problem, settings, device, execution, progress,
            snapshot_every, function,
        )  # fmt: skip
    # 3. The response to each caricature, divided by the response to its photo.
    return dataclasses.replace(
        found,
        strengths=row_strengths,
        size=size,
        originals=photos[chosen],
        response=loss.response(found.codes) / squares[chosen],
    )


def _list_strengths(settings: Settings, strength: float | Sequence[float] | None) -> list[float]:
    """Return one or several strengths as a list; a tensor of no axes is one.

    Raises:
        ValueError: if one of them is no positive number, or if there is none.
    """
    if not isinstance(strength, Iterable) or getattr(strength, "ndim", None) == 0:
        given: list[Any] = [strength_of("caricature", settings, strength)]  # type: ignore[arg-type]
    else:
        given = list(strength)
    if not given:
        raise ValueError("no strength was given")
    several = [settings.replace(strength=value) for value in given]  # which checks each
    return [strength_of("caricature", own) for own in several]
