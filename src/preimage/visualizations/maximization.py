r"""Activation maximization (section 6): what excites a component, or a sum of several?

The loss is the inner product of Eq. 4 with a target that is one at the component and zero
elsewhere, the start is noise unless one is given, and C = 1 / Z. With rho the receptive field of
the component and M its largest response to photos, the authors' code has

    1 / Z = 10^4 / (rho^2 M),

so that one set of constants serves all layers.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from preimage.checks import check_size, finite
from preimage.losses import DiverseInnerProduct, FunctionLoss, InnerProduct
from preimage.networks import Network
from preimage.objective import Loss
from preimage.photo_files import Photos
from preimage.presets import MODERN, strength_of
from preimage.priors.function import PriorFunction
from preimage.representations.base import Representation
from preimage.representations.borrowing import ordinary_torch
from preimage.representations.execution import AUTO, Execution
from preimage.representations.threads import use_threads
from preimage.settings import Settings
from preimage.targets import AnyTarget
from preimage.visualizations.layout import Layout, mosaic_layout, separate_layout
from preimage.visualizations.pre_image import PreImage
from preimage.visualizations.progress_bar import ProgressLike
from preimage.visualizations.resolve import TargetLike, resolve
from preimage.visualizations.responses import (
    Measured,
    ResponseRange,
    find_ranges,
    given_ranges,
)
from preimage.visualizations.sharing import choose_workers, solve_shared
from preimage.visualizations.solve import (
    Problem,
    check_arguments,
    check_memory,
    check_options,
    choose_prior,
    ready,
)
from preimage.visualizations.starting import StartLike, find_start
from preimage.visualizations.waking import Targets, search

_AUTHORS_STRENGTH = 1e4


class DeadTargetError(ValueError):
    """No photo changes the response of any of the targets, so there is nothing to maximize."""


class DeadTargetWarning(UserWarning):
    """No photo changes the response of some of the targets, which are left out."""


@ordinary_torch()
def maximize(
    model: Representation | Network,
    targets: TargetLike | Sequence[TargetLike],
    *,
    seeds: Sequence[int] = (0,),
    start: StartLike | None = None,
    size: int | tuple[int, int] | None = None,
    maxima: Sequence[float] | Measured | None = None,
    reference: Photos | None = None,
    diversity: float = 0,
    mosaic: bool = False,
    strength: float | None = None,
    settings: Settings | None = None,
    prior: str | PriorFunction | None = None,
    device: str | torch.device = "cpu",
    execution: Execution = AUTO,
    workers: int | None = None,
    progress: ProgressLike = "auto",
    snapshot_every: int = 0,
) -> PreImage:
    """Find images that excite each target, one for each seed, all in one batch (section 6).

    Args:
        model: a representation, such as a layer, or a network with its layers.
        targets: one or several; see `preimage.targets`. A number is a channel of the
            representation, a string a class of the network. A function of codes (N, ...), or of a
            dict of the codes of several layers by name, returns a response for each image (N,), by
            which torch can differentiate.
        seeds: one image of each target for each seed, which fixes noise and views.
        start: begin from photos in place of noise: one, or one for each target, resized to the
            images' size; or go on from a result (a `PreImage`, or the path of a saved one).
        size: height and width of the images, or the side of square ones; by default, see
            `preimage.visualizations.layout`.
        maxima: M of each target, as numbers or as `find_maxima` returns it.
        reference: photos that M is taken from if it is not given: the path of a photo or of a
            folder, or a list of paths. By default, they are the largest set that `preimage stats`
            has seen, if it is not smaller than the set of the shipped photos, or else these.
        diversity: weight of a penalty on images of one target that share a texture; see
            `preimage.losses.DiverseInnerProduct`. They then depend on each other.
        mosaic: whether all targets share one image, as in the authors' code: cheaper, for
            layers whose receptive field is smaller than the image. It is neither turned nor
            zoomed, and starts from noise. The result holds the cell of each target.
        strength: C as a multiple of 1 / Z. If None, it is that of the settings, or 1.
        settings: all constants; by default `MODERN`. The authors' are `NNPREIMAGE`.
        prior: the prior of the variation in place of that of the settings: "tv", "opponent-tv", or
            a function of images (N, D, H, W) in gray levels; see docs/pictures.md.
        device: where to compute; a network is moved there during the call.
        execution: how a network runs, and the limit of memory.
        workers: number of processes that share the images, as for `invert`. A mosaic is one image,
            and images with `diversity` are computed in this process.
        progress: a function that is called after each step; "bar" for a progress bar (tqdm);
            "auto" for a bar in notebooks alone. None is silent everywhere.
        snapshot_every: steps between the images that `.snapshots` keeps; 0 keeps none.

    Raises:
        DeadTargetError: if no photo changes the response of any target. Single dead targets
            are left out with a `DeadTargetWarning` that names them; `.targets` of the result says
            what each image is of, `.dead` what was left out.
        ImageError: if a photo to start from cannot be used.
        ValueError: if a target is not of the model, or the network does not take images of
            this size; if a result to start from does not fit.
        NonFiniteEnergyError: if the energy becomes NaN or infinite.
        WorkerError: if a worker process dies.

    >>> from torch import nn
    >>> from preimage.preprocessing import GRAY
    >>> from preimage.representations.layer import Layer
    >>> edges = Layer(nn.Sequential(nn.Conv2d(1, 4, 5)), "0", GRAY)
    >>> result = maximize(edges, [0, 1])
    >>> result.targets, bool((result.response > 0).all())
    (('0', '1'), True)
    """
    # 1. What to maximize: components of a representation.
    representation, wanted = resolve(model, targets)
    seeds, size = check_arguments(representation, seeds), check_size(size)
    finite("diversity", diversity, least=0)
    device = check_options(settings, device, execution, progress)
    settings, function = choose_prior(_choose_settings(settings, strength, mosaic), prior)
    with representation.session(device, execution) as session:
        # 2. M of each target. Those that no photo changes are left out.
        ranges, words = _ranges(representation, wanted, maxima, device, reference, size)
        live, dead = _live_and_dead(wanted, ranges)
        # 3. The size of the images, and the place of each target.
        alive = [wanted[n] for n in live]
        layout = _lay_out(representation, alive, seeds, size, mosaic, diversity, start)
        rows = [row for row in range(len(live)) for _ in seeds]
        images = 1 if diversity else len(seeds) if mosaic else len(rows)
        workers, execution = choose_workers(workers, images, device, execution)
        sources, prescribed = [live[row] for row in rows], representation.preprocessing
        begin = find_start(prescribed, start, size, layout.size, sources, len(wanted))
        # 4. Eq. 4 with C = strength / Z, minimized; once more if the target sleeps.
        scales = [ranges[n].scale for n in live]
        weights = _loss_weights(settings, representation.reach, scales)
        loss = layout.loss(representation, device)
        problem = _problem(loss, device, weights, scales, seeds, layout, diversity, begin.images)
        sought = _sought(representation, problem, loss, [ranges[n] for n in live], mosaic)
        options = (settings, device, execution, progress, snapshot_every, function)
        run = partial(solve_shared, workers, representation, session)
        with ready(representation, layout.size, len(rows), settings, device, execution):
            found = search(problem, sought, lambda part: run(part, *options))
        found = _cells(found, layout, rows) if mosaic else found
    # 5. The result of each target and seed.
    return dataclasses.replace(
        found,
        sources=tuple(sources), start=begin.words, size=size,
        loss_weights=tuple(weights[row] for row in rows),
        response=loss.select(rows).response(found.codes),
        targets=tuple(str(wanted[live[row]]) for row in rows),
        maxima=tuple(ranges[live[row]].largest for row in rows), reference=words,
        dead=tuple(str(wanted[n]) for n in dead),
        box=layout.box, contrast=_contrast(representation, settings, found),
    )  # fmt: skip


def _choose_settings(settings: Settings | None, strength: float | None, mosaic: bool) -> Settings:
    """Return all constants with the strength; the views of a mosaic are not turned."""
    settings = MODERN if settings is None else settings
    settings = settings.replace(strength=strength_of("maximize", settings, strength))
    return settings.replace(rotation=0, zoom=1) if mosaic else settings


@ordinary_torch()
def find_maxima(
    model: Representation | Network,
    targets: TargetLike | Sequence[TargetLike],
    *,
    size: int | tuple[int, int] | None = None,
    reference: Photos | None = None,
    device: str | torch.device = "cpu",
    execution: Execution = AUTO,
) -> Measured:
    """Return M of each target as `maximize` finds it, to be shared by several calls."""
    representation, wanted = resolve(model, targets)
    device = check_options(None, device, execution, None)
    with representation.session(device, execution):
        return _ranges(representation, wanted, None, device, reference, check_size(size))


def _ranges(
    representation: Representation,
    targets: Sequence[AnyTarget],
    maxima: Sequence[float] | Measured | None,
    device: torch.device,
    reference: Photos | None,
    size: int | tuple[int, int] | None,
) -> Measured:
    """Return the range of each target's responses, and the source of M in words.

    M is measured with one thread, so that it is the same whatever number the run uses.
    """
    if maxima is None:
        with use_threads(1):
            return find_ranges(representation, targets, device, reference, size)
    if not isinstance(maxima, Measured):
        return Measured(given_ranges(maxima, len(targets)), "given")
    if len(maxima.ranges) != len(targets):
        raise ValueError(f"{len(targets)} targets need as many maxima, not {len(maxima.ranges)}")
    return maxima


def _live_and_dead(
    targets: Sequence[AnyTarget], ranges: Sequence[ResponseRange]
) -> tuple[list[int], list[int]]:
    """Return the indices of the targets that react to photos, and of the others; warn of these."""
    live = [n for n in range(len(targets)) if not ranges[n].is_dead]
    dead = [n for n in range(len(targets)) if ranges[n].is_dead]
    if not live:
        raise DeadTargetError(dead_in_words(targets))
    if dead:
        words = dead_in_words([targets[n] for n in dead])
        warnings.warn(
            f"{words}: left out; .targets of the result says what each image is of",
            DeadTargetWarning,
            stacklevel=4,
        )
    return live, dead


def dead_in_words(targets: Sequence[object]) -> str:
    """Return a sentence about dead targets, without a full stop.

    >>> dead_in_words([3, 7])
    'no photo changes the response of 3, 7 (dead units)'
    """
    units = "a dead unit" if len(targets) == 1 else "dead units"
    return f"no photo changes the response of {', '.join(map(str, targets))} ({units})"


def _lay_out(
    representation: Representation,
    targets: Sequence[AnyTarget],
    seeds: Sequence[int],
    size: int | tuple[int, int] | None,
    mosaic: bool,
    diversity: float,
    start: StartLike | None,
) -> Layout:
    """Return the size of the images and the place of each target, if memory holds them."""
    layout = (
        _lay_out_mosaic(representation, targets, size, diversity, start)
        if mosaic
        else separate_layout(representation, targets, size)
    )
    check_memory(representation, layout.size, len(targets) * len(seeds))
    return layout


def _lay_out_mosaic(
    representation: Representation,
    targets: Sequence[AnyTarget],
    size: int | tuple[int, int] | None,
    diversity: float,
    start: StartLike | None,
) -> Layout:
    if start is not None:
        raise ValueError("a mosaic starts from noise: leave start or mosaic out")
    if diversity or size is not None:
        raise ValueError("a mosaic has its own size and no diversity: leave size and diversity out")
    return mosaic_layout(representation, targets)


def _loss_weights(settings: Settings, rho: float, scales: Sequence[float]) -> list[float]:
    """Return C of each target, whose M is in `scales`."""
    factor = strength_of("maximize", settings) * _AUTHORS_STRENGTH / rho**2
    return [factor / scale for scale in scales]


def _problem(
    of_targets: InnerProduct | FunctionLoss,
    device: torch.device,
    weights: Sequence[float],
    scales: Sequence[float],
    seeds: Sequence[int],
    layout: Layout,
    diversity: float,
    start: Tensor | None,
) -> Problem:
    """Return the problem of one image for each target and seed, or of a mosaic for each seed.

    `of_targets` is the loss, `weights` C and `scales` M of each target; `start` is that of each
    image.
    """
    if layout.is_mosaic and isinstance(of_targets, InnerProduct):
        placed = of_targets.target
        c = torch.tensor(weights, dtype=placed.dtype, device=device)
        shared = (placed * c.view(-1, *[1] * (placed.ndim - 1))).mean(0, keepdim=True)
        of_targets, weights = InnerProduct(shared), [1.0]
    sources = [source for source in range(len(weights)) for _ in seeds]
    loss: Loss = of_targets.select(sources)
    if diversity:
        alike = diversity * torch.tensor(scales, dtype=torch.float32, device=device)
        loss = DiverseInnerProduct(of_targets.select(sources), len(seeds), alike)
    return Problem(
        visualization="maximize",
        sources=sources,
        loss=loss,
        loss_weights=[weight for weight in weights for _ in seeds],
        seeds=[*seeds] * len(weights),
        size=layout.size,
        start=start,
    )


def _sought(
    representation: Representation,
    problem: Problem,
    loss: InnerProduct | FunctionLoss,
    ranges: Sequence[ResponseRange],
    mosaic: bool,
) -> Targets:
    """Return which targets each image of the problem is to excite."""
    every = range(len(ranges))
    of_images = [every if mosaic else [source] for source in problem.sources]
    return Targets(representation, ranges, loss, of_images)


def _contrast(
    representation: Representation, settings: Settings, found: PreImage
) -> Literal["kept", "stretched"]:
    """Return the contrast to show; that of a run that was stopped may not be natural yet."""
    is_natural = settings.natural_steps(representation) > 0 and not found.interrupted
    return "kept" if is_natural else "stretched"


def _cells(found: PreImage, layout: Layout, rows: Sequence[int]) -> PreImage:
    """Return the cells of mosaic images, ordered by target, then by seed."""
    seeds = len(found)
    several = found.select([n % seeds for n in range(len(rows))])
    return dataclasses.replace(
        several,
        images=layout.cells(several.images, rows),
        snapshots=tuple((step, layout.cells(x, rows)) for step, x in several.snapshots),
        seconds=found.seconds * seeds / len(rows),
    )
