r"""Caricature (section 7): what does a representation see in a photo?

The loss is the inner product of Eq. 4 with Phi_0 = max(0, Phi(x_0)), the start is the photo
x_0 itself, and C = 1 / Z with Z = ||Phi_0||^2, as the authors' code has it: whatever the
representation responds to in the photo grows stronger.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from preimage.images import ImageLike
from preimage.losses import InnerProduct
from preimage.objective import Objective
from preimage.optimizer import Progress, minimize
from preimage.presets import NNPREIMAGE, strength_of
from preimage.representations.base import Representation
from preimage.representations.execution import AUTO, Execution
from preimage.representations.memory import limit_memory
from preimage.settings import Settings
from preimage.visualizations.common import (
    canvas_shape,
    check_representation,
    check_seeds,
    load_images,
)
from preimage.visualizations.pre_image import PreImage


def caricature(
    representation: Representation,
    images: ImageLike | Sequence[ImageLike],
    *,
    strength: float | None = None,
    seeds: Sequence[int] = (0,),
    size: int | tuple[int, int] | None = None,
    settings: Settings | None = None,
    device: str | torch.device = "cpu",
    execution: Execution = AUTO,
    progress: Callable[[Progress], None] | None = None,
    snapshot_every: int = 0,
) -> PreImage:
    """Photos with all that excites a representation exaggerated (section 7).

    Args:
        representation: Phi.
        images: one photo, or several of one size, as for `invert`.
        strength: multiple of 1 / Z that C is. If None, it is that of the settings, or 10.
        seeds: a caricature for each; the seed fixes the views.
        size: photos are resized to this height and width, or to at most this longer side.
        settings: all constants; if None, `NNPREIMAGE`.
        device: where to compute; a network is moved there for the time of the call.
        execution: how a network runs, and the limit of memory.
        progress: called after each step.
        snapshot_every: keep the images of every so many steps in `.snapshots`.

    Raises:
        ImageError: if a photo cannot be used.
        ValueError: if the representation does not respond to a photo, or `strength` is not
            positive.
        NonFiniteEnergyError: if the energy becomes NaN or infinite.

    >>> import numpy as np
    >>> from torch import nn
    >>> from preimage.preprocessing import GRAY
    >>> from preimage.representations.layer import Layer
    >>> edges = Layer(nn.Sequential(nn.Conv2d(1, 4, 5)), "0", GRAY)
    >>> caricature(edges, np.eye(16)).images.shape
    torch.Size([1, 1, 16, 16])
    """
    check_representation(representation)
    check_seeds(seeds)
    settings = NNPREIMAGE if settings is None else settings
    strength = strength_of("caricature", settings, strength)
    settings = settings.replace(strength=strength)
    device = torch.device(device)
    with representation.session(device, execution) as session:
        photos = load_images(representation.preprocessing, images, size).to(device)
        image_size = (photos.shape[-2], photos.shape[-1])
        representation.code_shape(*image_size)
        seen = representation.encode(photos).clamp(min=0)
        squares = torch.stack([(code * code).sum() for code in seen])
        if not bool((squares > 0).all()):
            raise ValueError(f"{representation.name} does not respond to the photo")
        rows = [(index, seed) for index in range(len(photos)) for seed in seeds]
        chosen = [index for index, _ in rows]
        weights = strength / squares[chosen]
        loss = InnerProduct(seen[chosen])
        at_once = limit_memory(
            representation, session, image_size, len(rows), execution.memory, device
        )
        objective = Objective(representation, loss, settings, weights, image_size, at_once=at_once)
        minimum = minimize(
            objective,
            _with_margin(photos, canvas_shape(representation, settings, image_size))[chosen],
            settings,
            [torch.Generator().manual_seed(seed) for _, seed in rows],
            progress=progress,
            snapshot_every=snapshot_every,
        )
        codes = representation.encode(minimum.images)
        ran = replace(session.ran, at_once=objective.images_at_once(minimum.images))
    return PreImage(
        images=minimum.images,
        shown=minimum.images,
        codes=codes,
        error=torch.full((len(rows),), torch.nan),
        response=loss.response(codes) / squares[chosen],
        sources=tuple(chosen),
        loss_weights=tuple(weights.tolist()),
        seeds=tuple(seed for _, seed in rows),
        settings=settings,
        trace=minimum.trace,
        interrupted=minimum.interrupted,
        snapshots=minimum.snapshots,
        preprocessing=representation.preprocessing,
        ran=ran,
    )


def _with_margin(photos: Tensor, canvas: tuple[int, int, int]) -> Tensor:
    """Photos (N, D, H, W) in the middle of their canvases, the border mirrored outward."""
    down, right = canvas[1] - photos.shape[2], canvas[2] - photos.shape[3]
    margins = (right // 2, right - right // 2, down // 2, down - down // 2)
    return torch.nn.functional.pad(photos, margins, mode="reflect")
