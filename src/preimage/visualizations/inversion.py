"""Inversion (section 5): which image has a given code?

The loss is the squared Euclidean distance to the code (Eqs. 2 and 3), and the start is noise
unless one is given: the algorithm knows the code alone.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from preimage.checks import check_size
from preimage.decoding import ImageLike
from preimage.images import match_contrast, psnr, ssim
from preimage.loss_weight import LossWeight, as_list, is_auto
from preimage.losses import SquaredDistance, relative_error
from preimage.masks import Mask
from preimage.names import unknown, with_article
from preimage.presets import QUALITIES, settings_for
from preimage.priors.function import PriorFunction
from preimage.representations.base import Representation
from preimage.representations.borrowing import ordinary_torch
from preimage.representations.execution import AUTO, Execution
from preimage.representations.flat_regions import FlatRegions
from preimage.representations.receptive_field import Box
from preimage.settings import Settings
from preimage.visualizations.code_scale import in_own_scale
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
from preimage.visualizations.starting import StartLike, find_start


@ordinary_torch()
def invert(
    representation: Representation,
    images: ImageLike | Sequence[ImageLike] | None = None,
    *,
    codes: np.ndarray | Tensor | None = None,
    code_scale: float | str | None = None,
    size: int | tuple[int, int] | None = None,
    seeds: Sequence[int] = (0,),
    start: StartLike | None = None,
    loss_weight: LossWeight | Sequence[LossWeight] | None = None,
    mask: Tensor | Mask | None = None,
    quality: str | None = None,
    settings: Settings | None = None,
    prior: str | PriorFunction | None = None,
    device: str | torch.device = "cpu",
    execution: Execution = AUTO,
    workers: int | None = None,
    progress: ProgressLike = "auto",
    snapshot_every: int = 0,
) -> PreImage:
    """Find images whose code is that of a photo, or a given code (section 5).

    Every photo or code is inverted with every loss weight and every seed, all in one batch.
    Results in a batch do not influence each other.

    Args:
        representation: Phi.
        images: one photo, or several of one size: paths, PIL images, arrays (H, W[, 3]) or
            tensors ([D,] H, W); floating-point values are in 0..1.
        codes: codes to invert instead, one or a batch of them.
        code_scale: what the codes were multiplied by, such as 512 by MATLAB's vl_dsift; "auto"
            gives each the norm of the codes of photos, for codes that were normalized or
            quantized. If None, codes stay as they are, and a warning reports those that seem
            scaled.
        size: height and width of the photos, or the largest length of their longer side.
            With `codes`, height and width of the result, or the side of a square one; by
            default derived from the shape of the code.
        seeds: random seeds, each for one reconstruction; a seed fixes noise and jitter.
        start: begin from photos in place of noise: one, or one for each photo or code, resized
            as `images` are; or go on from a result (a `PreImage`, or the path of a saved one). In
            `Rough`, pictures that are only roughly right: the solver then leaves out no part.
        loss_weight: C of Eq. 1, one or several; "auto" for one that the fast solver chooses for
            each image (docs/networks.md). If None, it is that of the settings or, if these are not
            given either, that of `settings_for`.
        mask: M of Eq. 3: a choice of components by name, or a tensor that is broadcast against
            codes (N, ...), 1 where a component counts and 0 elsewhere.
        quality: "draft", "fast" (the default) or "best": 20, 60 or 200 evaluations, or 60, 200
            or 350 for networks, by the solver that suits (docs/solver.md).
        settings: all constants, instead of a quality: `NNPREIMAGE` or `PAPER` for Algorithm 1.
        prior: the prior of the variation in place of that of the settings: "tv", "opponent-tv", or
            a function of images (N, D, H, W) in gray levels; see docs/pictures.md.
        device: where to compute; a network is moved there during the call.
        execution: how a network runs, and the limit of memory.
        workers: number of processes that share the images, one thread each, with the bits of one
            process with `Execution(threads=1)`. If None or 1, this process computes all. They
            start only if that saves time. `execution.memory` is shared out among them.
        progress: a function that is called after each step; "bar" for a progress bar (tqdm);
            "auto" for a bar in notebooks alone. None is silent everywhere.
        snapshot_every: steps between the images that `.snapshots` keeps; 0 keeps none.

    Raises:
        ImageError: if an image cannot be used.
        ValueError: if a code has a wrong shape or NaN, is all zero, or does not fit `size`;
            if an image is too small; if a result to start from does not fit.
        NonFiniteEnergyError: if the energy becomes NaN or infinite.
        WorkerError: if a worker process dies.

    >>> from preimage.representations.hog import HOG
    >>> result = invert(HOG(), np.random.default_rng(0).random((32, 32)), seeds=[0, 1])
    >>> result.images.shape, bool((result.error < 0.5).all())
    (torch.Size([2, 1, 32, 32]), True)
    """
    seeds, size = check_arguments(representation, seeds), check_size(size)
    device = check_options(settings, device, execution, progress)
    settings, function = choose_prior(_choose_settings(representation, quality, settings), prior)
    weights = as_list(settings.loss_weight if loss_weight is None else loss_weight)
    if any(map(is_auto, weights)):
        settings = settings.replace(loss_weight="auto")  # raises for Algorithm 1
    # 1. The target: the code of each photo, or the given code.
    photos, target, image_size = _read(representation, images, codes, size, device)
    count = len(target) * len(weights) * len(seeds)
    check_memory(representation, image_size, count)
    workers, execution = choose_workers(workers, count, device, execution)
    rows = itertools.product(range(len(target)), weights, seeds)
    sources, loss_weights, row_seeds = zip(*rows, strict=True)
    begin = find_start(representation.preprocessing, start, size, image_size, sources, len(target))
    with ready(representation, image_size, count, settings, device, execution) as session:
        target = _encoded(representation, photos, target, image_size, code_scale)
        # 2. A reconstruction for each photo or code, C and seed.
        kept = _mask_of_rows(_components(representation, mask, image_size), target, sources)
        regions = _flat_regions(representation, settings, target, image_size)
        flat = None if kept is not None else [regions[source] for source in sources]
        target = target[list(sources)]
        problem = Problem(
            visualization="invert", sources=sources, loss=SquaredDistance(target, kept),
            loss_weights=loss_weights, seeds=row_seeds, size=image_size, start=begin.images,
            is_rough=begin.is_rough, flat=flat,
        )  # fmt: skip
        found = solve_shared(
            workers, representation, session, problem, settings, device, execution, progress,
            snapshot_every, function,
        )  # fmt: skip
    # 3. The errors of code and image.
    found = dataclasses.replace(
        found, start=begin.words, size=size,
        error=relative_error(found.codes, target, kept),
        mask=None if kept is None else mask if isinstance(mask, Mask) else kept,
        box=_box(representation, found, mask),
        contrast="typical" if representation.ignores_contrast else "kept",
    )  # fmt: skip
    return found if photos is None else _compared(representation, found, photos[list(sources)])


def _choose_settings(
    representation: Representation, quality: str | None, settings: Settings | None
) -> Settings:
    """Return the given settings, or else the settings of a quality."""
    if settings is None:
        if quality is not None and str(quality) not in QUALITIES:
            raise ValueError(unknown("quality", str(quality), QUALITIES))
        return settings_for(representation, quality or "fast")
    if quality is not None:
        raise ValueError("give either quality or settings")
    return settings


def _read(
    representation: Representation,
    images: ImageLike | Sequence[ImageLike] | None,
    codes: np.ndarray | Tensor | None,
    size: int | tuple[int, int] | None,
    device: torch.device,
) -> tuple[Tensor | None, Tensor, tuple[int, int]]:
    """Return the photos or None, the photos or else the codes, and the size of the images."""
    if (images is None) == (codes is None):
        raise ValueError("give either images or codes")
    if images is None:
        target, image_size = _check_codes(representation, codes, size)
        return None, target.to(device), image_size
    photos = load_photos(representation.preprocessing, images, size).to(device)
    height, width = photos.shape[-2:]
    representation.code_shape(height, width)  # raises if the photos are too small
    return photos, photos, (height, width)


def _encoded(
    representation: Representation,
    photos: Tensor | None,
    codes: Tensor,
    size: tuple[int, int],
    scale: float | str | None,
) -> Tensor:
    """Return the codes of the photos or, without photos, the given codes in their own scale."""
    if photos is None:
        return in_own_scale(representation, codes, size, scale)
    if scale is not None:
        raise ValueError("code_scale is for codes: leave it out for photos")
    return representation.encode(photos)


def _check_codes(
    representation: Representation,
    codes: np.ndarray | Tensor | None,
    size: int | tuple[int, int] | None,
) -> tuple[Tensor, tuple[int, int]]:
    """Return the codes as a batch (N, ...), and the size of the images to find."""
    target = _as_code(representation, codes)
    size = (size, size) if isinstance(size, int) else size
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
            f"an image of {image_size[0]} x {image_size[1]} has "
            f"{with_article(representation.name)} code of shape {expected}, not "
            f"{tuple(target.shape)}"
        )
    if not len(target):
        raise ValueError("no code was given")
    if not bool(target.isfinite().all()):
        raise ValueError("the code holds NaN or infinite values")
    return target, image_size


def _as_code(representation: Representation, codes: Any) -> Tensor:
    """Return codes as a tensor of real numbers in single precision."""
    if isinstance(codes, Tensor):
        if codes.is_complex():
            raise ValueError("a code must hold real numbers, not complex ones")
        values = codes.detach().to(torch.float32)
        return values if codes.is_floating_point() else representation.from_stored(values)
    if np.ma.is_masked(codes):
        raise ValueError("a code must not be a masked array: fill it first, as in code.filled(0)")
    try:
        array = np.asarray(codes)
    except ValueError:
        raise ValueError("codes of one batch must have one shape") from None
    if array.dtype.kind not in "fiub":
        raise ValueError(f"a code must hold real numbers, not values of type {array.dtype}")
    with np.errstate(over="ignore"):
        values = torch.from_numpy(np.array(array, dtype=np.float32, order="K"))
    return representation.from_stored(values) if array.dtype.kind in "iu" else values


def _components(
    representation: Representation, mask: Tensor | Mask | None, size: tuple[int, int]
) -> Tensor | None:
    """Return the mask, a tensor or named components, as a tensor; None if there is none."""
    if isinstance(mask, Mask):
        return mask.to_tensor(representation.code_grid(*size))
    if mask is not None and not isinstance(mask, Tensor):
        raise TypeError(
            "mask must be a tensor or a preimage.Mask, such as Mask(channels='0-24'), "
            f"not a {type(mask).__name__}"
        )
    return mask


def _mask_of_rows(mask: Tensor | None, target: Tensor, sources: Sequence[int]) -> Tensor | None:
    """Return the mask, if there is one: a mask for each row, or a single one for all rows.

    `target` holds the codes of the sources, (N, ...); `sources` is the source of each row.
    """
    if mask is None:
        return None
    if mask.is_complex():
        raise ValueError("a mask must hold real numbers, not complex ones")
    try:
        fits = torch.broadcast_shapes(mask.shape, target.shape) == target.shape
    except RuntimeError:
        fits = False
    if not fits:
        raise ValueError(
            f"a mask of shape {tuple(mask.shape)} does not fit a code of shape "
            f"{tuple(target.shape[1:])}"
        )
    mask = mask.to(target)
    return mask[list(sources)] if mask.ndim == target.ndim and len(mask) > 1 else mask


def _flat_regions(
    representation: Representation, settings: Settings, target: Tensor, image_size: tuple[int, int]
) -> list[FlatRegions | None]:
    """Return the regions that each code proves to be flat, if the solver can keep them flat."""
    if settings.shifts(representation) > 1 or settings.parameterization != "pixels":
        return [None] * len(target)
    return representation.flat_regions(target, image_size)


def _box(representation: Representation, found: PreImage, mask: Tensor | Mask | None) -> Box | None:
    """Return the part of the images that the mask's window can see; None without a window."""
    height, width = found.images.shape[-2:]
    box = mask.box(representation, (height, width)) if isinstance(mask, Mask) else None
    return None if box is None else box.clipped((height, width))


def _compared(representation: Representation, found: PreImage, originals: Tensor) -> PreImage:
    """Return the result with the photos (N, D, H, W), and with PSNR and SSIM against them."""
    images = found.images
    if representation.ignores_contrast:
        images = match_contrast(images, originals)
    to_255 = representation.preprocessing.to_255
    return dataclasses.replace(
        found,
        originals=originals,
        psnr=psnr(images, originals),
        ssim=ssim(to_255(images), to_255(originals)),
    )
