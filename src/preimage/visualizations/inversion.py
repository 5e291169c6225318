"""Inversion (section 5): which image has a given code?

The loss is the squared Euclidean distance to the code (Eqs. 2 and 3), and the start is
noise, so that the code is all that the algorithm knows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from preimage.images import ImageLike, match_contrast, psnr, ssim, with_deviation
from preimage.losses import SquaredDistance, relative_error
from preimage.names import unknown
from preimage.objective import Objective
from preimage.optimizer import Minimum, Progress, minimize
from preimage.presets import QUALITIES, settings_for
from preimage.representations.base import Representation
from preimage.representations.execution import AUTO, Execution
from preimage.representations.memory import limit_memory
from preimage.settings import Settings
from preimage.visualizations.common import (
    canvas_shape,
    check_representation,
    check_seeds,
    load_images,
    noise,
)
from preimage.visualizations.pre_image import PreImage


def invert(
    representation: Representation,
    images: ImageLike | Sequence[ImageLike] | None = None,
    *,
    codes: np.ndarray | Tensor | None = None,
    size: int | tuple[int, int] | None = None,
    seeds: Sequence[int] = (0,),
    loss_weights: float | Sequence[float] | None = None,
    mask: Tensor | None = None,
    quality: str | None = None,
    settings: Settings | None = None,
    device: str | torch.device = "cpu",
    execution: Execution = AUTO,
    progress: Callable[[Progress], None] | None = None,
    snapshot_every: int = 0,
) -> PreImage:
    """Images whose code is that of a given image, or a given code (section 5).

    Every image (or code) is inverted with every loss weight and every seed, all in one
    batch; results in a batch do not influence each other.

    Args:
        representation: Phi.
        images: one image, or several of one size: paths, PIL images, arrays (H, W[, 3]) or
            tensors ([D,] H, W), floating-point ones in 0..1.
        codes: codes to invert instead, one or a batch of them.
        size: images are resized to this height and width, or to at most this longer side.
            With `codes`, the height and width of the result, derived from the code's
            shape if not given.
        seeds: a reconstruction for each; the seed fixes noise and jitter.
        loss_weights: C of Eq. 1, one or several; if not given, that of the settings, or, where
            these are not given either, the layer's own.
        mask: M of Eq. 3, ones where the code counts, broadcast against (N, ...) codes.
        quality: "draft", "fast" or "best": the fast solver with 20, 60 or 200 evaluations, or
            60, 200 or 350 for networks.
        settings: all constants instead, `NNPREIMAGE` or `PAPER` for Algorithm 1, perhaps
            changed by `replace`. If neither is given, the quality is "fast".
        device: where to compute; a network is moved there for the time of the call.
        execution: how a network runs, and the limit of memory.
        progress: called after each step.
        snapshot_every: keep the images of every so many steps in `.snapshots`.

    Raises:
        ImageError: if an image cannot be used.
        ValueError: if a code has a wrong shape or NaN, is all zero, or does not fit `size`,
            or if an image is too small.
        NonFiniteEnergyError: if the energy becomes NaN or infinite.

    >>> from preimage.representations.hog import HOG
    >>> result = invert(HOG(), np.random.default_rng(0).random((32, 32)), seeds=[0, 1])
    >>> result.images.shape, bool((result.error < 0.5).all())
    (torch.Size([2, 1, 32, 32]), True)
    """
    check_representation(representation)
    check_seeds(seeds)
    if (images is None) == (codes is None):
        raise ValueError("give either images or codes")
    settings = _choose_settings(representation, quality, settings)
    weights = _as_list(settings.loss_weight if loss_weights is None else loss_weights)
    device = torch.device(device)
    with representation.session(device, execution) as session:
        if images is not None:
            originals = load_images(representation.preprocessing, images, size).to(device)
            image_size: tuple[int, int] = (originals.shape[-2], originals.shape[-1])
            representation.code_shape(*image_size)
            target = representation.encode(originals)
        else:
            originals = None
            target, image_size = _check_codes(representation, codes, size)
            target = target.to(device)
        if mask is not None:
            _check_mask(mask, tuple(target.shape))
        rows = [(i, c, s) for i in range(len(target)) for c in weights for s in seeds]
        chosen = list(next(zip(*rows, strict=True)))
        at_once = limit_memory(
            representation, session, image_size, len(rows), execution.memory, device
        )
        objective = _objective(representation, target, mask, rows, settings, image_size, at_once)
        generators = [torch.Generator().manual_seed(seed) for _, _, seed in rows]
        shape = canvas_shape(representation, settings, image_size)
        amplitude = settings.start_amplitude * settings.pixel_norm
        start = torch.stack([noise(shape, amplitude, generator) for generator in generators])
        minimum = minimize(
            objective,
            start.to(target),
            settings,
            generators,
            progress=progress,
            snapshot_every=snapshot_every,
        )
        if originals is not None:
            originals = originals[chosen]
        found = _result(representation, minimum, target[chosen], mask, originals, rows, settings)
        ran = replace(session.ran, at_once=objective.images_at_once(minimum.images))
    return replace(found, ran=ran)


def _objective(
    representation: Representation,
    target: Tensor,
    mask: Tensor | None,
    rows: list[tuple[int, float, int]],
    settings: Settings,
    image_size: tuple[int, int],
    at_once: int,
) -> Objective:
    """Eq. 1 for each row (source, C, seed)."""
    sources = [source for source, _, _ in rows]
    flat = None
    margin = canvas_shape(representation, settings, image_size)[1:] != image_size
    if mask is None and not margin and settings.parameterization == "pixels":
        regions = representation.flat_regions(target, image_size)
        flat = [regions[source] for source in sources]
    loss = SquaredDistance(target[sources], mask)
    c = torch.tensor([c for _, c, _ in rows], dtype=target.dtype, device=target.device)
    return Objective(representation, loss, settings, c, image_size, flat, at_once)


def _choose_settings(
    representation: Representation, quality: str | None, settings: Settings | None
) -> Settings:
    """Return the settings that are given, or else those of a quality.

    Raises:
        ValueError: if both are given, or there is no such quality.
    """
    if settings is not None:
        if quality is not None:
            raise ValueError("give either quality or settings")
        return settings
    if quality is not None and quality not in QUALITIES:
        raise ValueError(unknown("quality", quality, QUALITIES))
    return settings_for(representation, quality or "fast")


def _check_codes(
    representation: Representation,
    codes: np.ndarray | Tensor | None,
    size: int | tuple[int, int] | None,
) -> tuple[Tensor, tuple[int, int]]:
    """The codes as a batch (N, ...), and the size of the images to find."""
    target = torch.as_tensor(codes, dtype=torch.float32)
    if isinstance(size, int):
        raise ValueError("with codes, size must be a height and a width")
    if target.ndim < representation.code_axes:
        raise ValueError(
            f"a code of {representation.name} has at least {representation.code_axes} axes, "
            f"not {target.ndim}"
        )
    image_size = representation.image_size(tuple(target.shape)) if size is None else size
    expected = representation.code_shape(*image_size)
    if tuple(target.shape) == expected:
        target = target[None]
    if tuple(target.shape[1:]) != expected:
        raise ValueError(
            f"an image of {image_size[0]} x {image_size[1]} has a {representation.name} code of "
            f"shape {expected}, not {tuple(target.shape)}"
        )
    if not len(target):
        raise ValueError("no code was given")
    if not bool(target.isfinite().all()):
        raise ValueError("the code holds NaN or infinite values")
    return target, image_size


def _check_mask(mask: Tensor, codes: tuple[int, ...]) -> None:
    try:
        fits = torch.broadcast_shapes(mask.shape, codes) == codes
    except RuntimeError:
        fits = False
    if not fits:
        raise ValueError(
            f"a mask of shape {tuple(mask.shape)} does not fit a code of shape {codes[1:]}"
        )


def _result(
    representation: Representation,
    minimum: Minimum,
    target: Tensor,
    mask: Tensor | None,
    originals: Tensor | None,
    rows: list[tuple[int, float, int]],
    settings: Settings,
) -> PreImage:
    codes = representation.encode(minimum.images)
    shown = compared = minimum.images
    if representation.ignores_contrast:
        shown = with_deviation(shown, settings.typical_deviation)
    similarity: tuple[Tensor | None, Tensor | None] = (None, None)
    if originals is not None:
        if representation.ignores_contrast:
            compared = match_contrast(compared, originals)
        to_255 = representation.preprocessing.to_255
        similarity = (psnr(compared, originals), ssim(to_255(compared), to_255(originals)))
    sources, loss_weights, seeds = zip(*rows, strict=True)
    return PreImage(
        images=minimum.images,
        shown=shown,
        contrast="typical" if representation.ignores_contrast else "kept",
        codes=codes,
        error=relative_error(codes, target, mask),
        response=torch.full((len(rows),), torch.nan),
        psnr=similarity[0],
        ssim=similarity[1],
        sources=sources,
        loss_weights=loss_weights,
        seeds=seeds,
        settings=settings,
        trace=minimum.trace,
        interrupted=minimum.interrupted,
        snapshots=minimum.snapshots,
        preprocessing=representation.preprocessing,
    )


def _as_list(values: float | Sequence[float]) -> list[float]:
    listed = [values] if isinstance(values, int | float) else list(values)
    if not listed or not all(value >= 0 for value in listed):
        raise ValueError(f"loss weights must not be negative or missing, not {listed}")
    return [float(value) for value in listed]
