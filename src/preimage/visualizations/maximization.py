r"""Activation maximization (section 6): what excites a component, or a sum of several?

The loss is the inner product of Eq. 4 with a target that is one at the component and zero
elsewhere, the start is noise, and C = 1 / Z. With rho the receptive field of the component
and M its largest response to photos, the authors' code has

    1 / Z = 10^4 / (rho^2 M),

so that one set of constants serves all layers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from preimage.images import stretch_contrast
from preimage.losses import Diverse, InnerProduct
from preimage.networks import Network
from preimage.objective import Loss, Objective
from preimage.optimizer import Minimum, Progress, minimize
from preimage.presets import MODERN, strength_of
from preimage.representations.base import Representation
from preimage.representations.execution import AUTO, Execution
from preimage.representations.memory import limit_memory
from preimage.settings import Settings
from preimage.targets import Target, Term, channel, class_score
from preimage.visualizations.common import canvas_shape, check_seeds, noise
from preimage.visualizations.picture import Picture, single
from preimage.visualizations.picture import mosaic as make_mosaic
from preimage.visualizations.pre_image import PreImage
from preimage.visualizations.responses import Response, find_responses

_AUTHORS_STRENGTH = 1e4


class DeadTargetError(ValueError):
    """No photo moves any of the targets: there is nothing to be seen in their pictures."""


TargetLike = Target | int | str


def maximize(
    model: Representation | Network,
    targets: TargetLike | Sequence[TargetLike],
    *,
    seeds: Sequence[int] = (0,),
    size: int | tuple[int, int] | None = None,
    maxima: Sequence[float] | None = None,
    images: Sequence[str | os.PathLike[str]] | None = None,
    diversity: float = 0,
    mosaic: bool = False,
    strength: float | None = None,
    settings: Settings | None = None,
    device: str | torch.device = "cpu",
    execution: Execution = AUTO,
    progress: Callable[[Progress], None] | None = None,
    snapshot_every: int = 0,
) -> PreImage:
    """Images that excite each target, one for each seed, all in one batch (section 6).

    Args:
        model: a representation, such as a layer, or a network with its layers.
        targets: one or several; see `preimage.targets`. A number is a channel of the
            representation, a string a class of the network.
        seeds: images of each target; the seed fixes noise and views.
        size: height and width of the images, or the side of square ones; if not given, see
            `preimage.visualizations.picture`.
        maxima: M of each target.
        images: photos (paths) to take M from, where it is not given. If neither is, they are the
            largest set that `preimage stats` has seen, or else the shipped photos.
        diversity: how strongly the images of one target are to differ in the texture of the
            layer: times M, the mean cosine between their Gram matrices is added to the
            loss. The images of a target then depend on each other.
        mosaic: whether all targets share one image, as in the authors' code: cheaper, for
            layers whose receptive field is smaller than the image. It is neither turned nor
            zoomed. Of each target, the result holds its cell.
        strength: multiple of 1 / Z that C is. If None, it is that of the settings, or 1.
        settings: all constants; if None, `MODERN`. The authors' are `NNPREIMAGE`.
        device: where to compute; a network is moved there for the time of the call.
        execution: how a network runs, and the limit of memory.
        progress: called after each step.
        snapshot_every: keep the images of every so many steps in `.snapshots`.

    Raises:
        DeadTargetError: if the response of each target is the same for all photos; such
            targets are otherwise left out.
        ValueError: if a target is not of the model, or the network does not take images of
            this size.
        NonFiniteEnergyError: if the energy becomes NaN or infinite.

    >>> from torch import nn
    >>> from preimage.preprocessing import GRAY
    >>> from preimage.representations.layer import Layer
    >>> edges = Layer(nn.Sequential(nn.Conv2d(1, 4, 5)), "0", GRAY)
    >>> result = maximize(edges, [0, 1])
    >>> result.labels, bool((result.response > 0).all())
    (('0', '1'), True)
    """
    check_seeds(seeds)
    if isinstance(images, str | os.PathLike):
        raise TypeError("images must be a list of paths, as list(Path(FOLDER).iterdir())")
    representation, wanted = resolve(model, targets)
    settings = MODERN if settings is None else settings
    strength = strength_of("maximize", settings, strength)
    settings = settings.replace(strength=strength)
    device = torch.device(device)
    rho = representation.reach
    with representation.session(device, execution) as session:
        if maxima is None:
            responses, source = find_responses(representation, wanted, device, images)
        else:
            responses, source = _given(maxima, wanted), "given"
        live = [index for index, response in enumerate(responses) if not response.is_dead]
        dead = tuple(str(wanted[i]) for i in range(len(wanted)) if i not in live)
        if not live:
            raise DeadTargetError(f"dead, no photo moves them: {', '.join(dead)}")
        alive = [wanted[index] for index in live]
        if mosaic:
            if diversity or size is not None:
                raise ValueError("a mosaic has its own size, and no diversity")
            settings = settings.replace(rotation=0, zoom=1)
            picture = make_mosaic(representation, alive)
        else:
            picture = single(representation, alive, (size, size) if isinstance(size, int) else size)
        factor = strength * _AUTHORS_STRENGTH / rho**2
        weights = [factor / responses[index].scale for index in live]
        problem = _Problem.of(representation, picture, weights, len(seeds), mosaic, device)
        loss: Loss = problem.loss
        if diversity:
            scales = torch.tensor([responses[index].scale for index in live], device=device)
            loss = Diverse(problem.loss, len(seeds), diversity * scales)
        generators = [
            torch.Generator().manual_seed(seed)
            for _ in range(1 if mosaic else len(live))
            for seed in seeds
        ]
        shape = canvas_shape(representation, settings, picture.size)
        amplitude = settings.start_amplitude * settings.pixel_norm
        start = torch.stack([noise(shape, amplitude, generator) for generator in generators])
        at_once = limit_memory(
            representation, session, picture.size, len(start), execution.memory, device
        )
        if at_once < len(start) and loss.is_joint:
            raise ValueError(
                f"diversity needs all {len(start)} images in memory at once, but the limit of "
                f"{execution.memory} bytes holds {at_once}"
            )
        objective = Objective(
            representation, loss, settings, problem.weights, picture.size, at_once=at_once
        )
        minimum = minimize(
            objective,
            start.to(problem.weights),
            settings,
            generators,
            progress=progress,
            snapshot_every=snapshot_every,
        )
        codes = representation.encode(minimum.images)
        ran = replace(session.ran, at_once=objective.images_at_once(minimum.images))
    which = [index for index in range(len(live)) for _ in seeds]
    rows = list(range(len(seeds))) * len(live) if mosaic else list(range(len(which)))
    return PreImage(
        **_pictures(minimum, picture, settings, which, rows, mosaic),
        codes=codes[rows],
        error=torch.full((len(rows),), torch.nan),
        response=InnerProduct(problem.placed[which]).response(codes[rows]),
        sources=tuple(live[index] for index in which),
        loss_weights=tuple(weights[index] for index in which),
        seeds=tuple(seeds) * len(live),
        settings=settings,
        trace=minimum.trace.select(rows),
        interrupted=minimum.interrupted,
        preprocessing=representation.preprocessing,
        ran=ran,
        labels=tuple(str(alive[index]) for index in which),
        maxima=tuple(responses[live[index]].largest for index in which),
        maxima_from=source,
        dead=dead,
    )


def _pictures(
    minimum: Minimum,
    picture: Picture,
    settings: Settings,
    which: list[int],
    rows: list[int],
    mosaic: bool,
) -> dict[str, Any]:
    """Images, what is shown of them, and snapshots of each target and seed.

    Args:
        minimum: what was found.
        picture: what is shown of each target.
        settings: B.
        which: the target of each result.
        rows: the image that holds each result.
        mosaic: whether an image holds them all; a result is then its cell.
    """
    images = minimum.images[rows]
    cells = picture.crops(images, which)
    return {
        "images": cells if mosaic else images,
        "shown": stretch_contrast(cells, settings.pixel_norm),
        "contrast": "stretched",
        "snapshots": tuple((step, picture.crops(x[rows], which)) for step, x in minimum.snapshots),
    }


@dataclass(frozen=True, slots=True)
class _Problem:
    """The loss of each image, its C, and the targets one by one, (targets, ...)."""

    loss: InnerProduct
    weights: Tensor
    placed: Tensor

    @classmethod
    def of(
        cls,
        representation: Representation,
        picture: Picture,
        weights: Sequence[float],
        seeds: int,
        mosaic: bool,
        device: torch.device,
    ) -> _Problem:
        shapes = representation.code_shapes(*picture.size)
        placed = torch.stack([target.place(shapes) for target in picture.targets]).to(device)
        c = torch.tensor(weights, dtype=placed.dtype, device=device)
        if not mosaic:
            repeated = placed.repeat_interleave(seeds, 0)
            return cls(InnerProduct(repeated), c.repeat_interleave(seeds), placed)
        shared = (placed * c.view(-1, *[1] * (placed.ndim - 1))).mean(0, keepdim=True)
        loss = InnerProduct(shared.expand(seeds, *shared.shape[1:]))
        return cls(loss, torch.ones(seeds, dtype=c.dtype, device=device), placed)


def resolve(
    model: Representation | Network, targets: TargetLike | Sequence[TargetLike]
) -> tuple[Representation, list[Target]]:
    """The representation that targets are of, and the targets as its channels.

    Raises:
        TypeError: if the model is neither a representation nor a network.
        ValueError: if they are not of the model.
    """
    if not isinstance(model, Representation | Network):
        raise TypeError(
            "the model must be a representation or a network, as preimage.network(NAME) or "
            f"preimage.Layer(module, layer, preprocessing), not a {type(model).__name__}"
        )
    listed = [targets] if isinstance(targets, Target | int | str) else list(targets)
    if not listed:
        raise ValueError("no target was given")
    wanted = [_as_target(target) for target in listed]
    if isinstance(model, Representation):
        if any(term.layer is not None for target in wanted for term in target.terms):
            raise ValueError(
                f"the layer is {model.name} already: name none, as channel(None, 3), or give the "
                "network instead"
            )
        if any(term.class_name for target in wanted for term in target.terms):
            raise ValueError("classes need a network: preimage.network(NAME)")
        return model, wanted
    wanted = [target.mapped(lambda term: _with_class(term, model)) for target in wanted]
    names = list(dict.fromkeys(term.layer for target in wanted for term in target.terms))
    named = [name for name in names if name is not None]
    if len(named) < len(names):
        raise ValueError(
            "the targets of a network name its layers, as channel('blocks.5', 3); or give the "
            "layer, as network.layer('blocks.5')"
        )
    return model.layer(named[0]) if len(named) == 1 else model.several(named), wanted


def _given(maxima: Sequence[float], targets: Sequence[Target]) -> list[Response]:
    if len(maxima) != len(targets) or not all(maximum > 0 for maximum in maxima):
        raise ValueError(f"{len(targets)} targets need as many positive maxima, not {maxima}")
    return [Response(float(maximum), 0.0) for maximum in maxima]


def _as_target(target: TargetLike) -> Target:
    if isinstance(target, Target):
        return target
    return class_score(target) if isinstance(target, str) else channel(None, target)


def _with_class(term: Term, model: Network) -> Term:
    """A term that names a class, as the channel of its score."""
    if not term.class_name:
        return term
    index = model.class_index(term.class_name)
    return replace(term, layer=model.score_layer, feature=index)
