r"""Activation maximization (section 6): what excites a component, or a sum of several?

The loss is the inner product of Eq. 4 with a target that is one at the component and zero
elsewhere, the start is noise, and C = 1 / Z. With rho the receptive field of the component
and M its largest response to photos, the authors' code has

    1 / Z = 10^4 / (rho^2 M),

so that one set of constants serves all layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from preimage.losses import InnerProduct
from preimage.objective import Objective
from preimage.optimizer import Progress, minimize
from preimage.representations.base import Representation
from preimage.representations.layer import Layer
from preimage.representations.reach import reach
from preimage.settings import MODERN, Settings
from preimage.targets import Target, Term, channel, class_score, find_class
from preimage.visualizations.common import canvas_shape, check_seeds, noise
from preimage.visualizations.picture import Picture, single
from preimage.visualizations.picture import mosaic as make_mosaic
from preimage.visualizations.pre_image import PreImage
from preimage.visualizations.responses import Response, measure_responses

_STRENGTH = 1e4


class HasLayers(Protocol):
    """A network that knows its layers and classes, as `preimage.network` returns it."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the scores."""

    @property
    def score_layer(self) -> str:
        """The layer of the scores before the softmax."""

    def layer(self, name: str) -> Layer:
        """A layer as a representation."""


TargetLike = Target | int | str


def maximize(
    model: Representation | HasLayers,
    targets: TargetLike | Sequence[TargetLike],
    *,
    seeds: Sequence[int] = (0,),
    size: tuple[int, int] | None = None,
    maxima: Sequence[float] | None = None,
    mosaic: bool = False,
    settings: Settings | None = None,
    device: str | torch.device = "cpu",
    progress: Callable[[Progress], None] | None = None,
    snapshot_every: int = 0,
) -> PreImage:
    """Images that excite each target, one for each seed, all in one batch (section 6).

    Args:
        model: a representation, such as a layer, or a network with its layers.
        targets: one or several; see `preimage.targets`. A number is a channel of the
            representation, a string a class of the network.
        seeds: images of each target; the seed fixes noise and views.
        size: height and width of the images; see the module for the default.
        maxima: M of each target; estimated from the shipped photos if not given.
        mosaic: whether all targets share one image, as in the authors' code: cheaper, for
            layers whose receptive field is smaller than the image. Of each target, the
            result holds its cell.
        settings: all constants; C is multiplied by 1 / Z. `MODERN` if not given; the
            authors' are `NNPREIMAGE.replace(loss_weight=1)`.
        device: where to compute; a network is moved there for the time of the call.
        progress: called after each step.
        snapshot_every: keep the images of every so many steps in `.snapshots`.

    Raises:
        ValueError: if a target is not of the model, all targets are dead (the same for all
            photos), or the network does not take images of this size.
        NonFiniteEnergyError: if the energy becomes NaN or infinite.

    >>> from torch import nn
    >>> from preimage.preprocessing import GRAY
    >>> edges = Layer(nn.Sequential(nn.Conv2d(1, 4, 5)), "0", GRAY)
    >>> result = maximize(edges, [0, 1])
    >>> result.labels, [bool(a > m) for a, m in zip(result.activation, result.maxima)]
    (('0', '1'), [True, True])
    """
    check_seeds(seeds)
    representation, wanted = resolve(model, targets)
    settings = MODERN if settings is None else settings
    device = torch.device(device)
    with representation.frozen(device):
        responses = _known(maxima, wanted) or measure_responses(representation, wanted, device)
        live = [index for index, response in enumerate(responses) if not response.is_dead]
        dead = tuple(str(wanted[i]) for i in range(len(wanted)) if i not in live)
        if not live:
            raise ValueError(f"dead, no photo moves them: {', '.join(dead)}")
        alive = [wanted[index] for index in live]
        if mosaic:
            picture = make_mosaic(representation, alive)
        else:
            picture = single(representation, alive, size)
        strength = settings.loss_weight * _STRENGTH / reach(representation) ** 2
        weights = [strength / responses[index].scale for index in live]
        problem = _Problem.of(representation, picture, weights, len(seeds), mosaic, device)
        generators = [
            torch.Generator().manual_seed(seed)
            for _ in range(1 if mosaic else len(live))
            for seed in seeds
        ]
        shape = canvas_shape(representation, settings, picture.size)
        amplitude = settings.start_amplitude * settings.pixel_norm
        start = torch.stack([noise(shape, amplitude, generator) for generator in generators])
        minimum = minimize(
            Objective(representation, problem.loss, settings, problem.weights, picture.size),
            start.to(problem.weights),
            settings,
            generators,
            progress=progress,
            snapshot_every=snapshot_every,
        )
        with torch.no_grad():
            codes = representation(minimum.images)
    rows = [(index, seed) for index in range(len(live)) for seed in range(len(seeds))]
    of_row = [seed if mosaic else index * len(seeds) + seed for index, seed in rows]
    which = [index for index, _ in rows]
    images = minimum.images[of_row]
    if mosaic:
        images = picture.crops(images, which)
    shown = images if mosaic else picture.crops(images, which)
    return PreImage(
        images=images,
        shown=stretch_contrast(shown, settings.pixel_norm),
        codes=codes[of_row],
        error=torch.full((len(rows),), torch.nan),
        activation=InnerProduct(problem.placed[which]).response(codes[of_row]),
        sources=tuple(live[index] for index in which),
        loss_weights=tuple(weights[index] for index in which),
        seeds=tuple(seeds[seed] for _, seed in rows),
        settings=settings,
        trace=minimum.trace.select(of_row),
        interrupted=minimum.interrupted,
        snapshots=tuple((step, picture.crops(x[of_row], which)) for step, x in minimum.snapshots),
        preprocessing=representation.preprocessing,
        labels=tuple(str(alive[index]) for index in which),
        maxima=tuple(responses[live[index]].largest for index in which),
        maxima_from="given" if maxima is not None else "the shipped photos",
        dead=dead,
    )


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
        code_shape = representation.code_shape(*picture.size)
        placed = torch.stack([target.place(code_shape) for target in picture.targets]).to(device)
        c = torch.tensor(weights, dtype=placed.dtype, device=device)
        if not mosaic:
            repeated = placed.repeat_interleave(seeds, 0)
            return cls(InnerProduct(repeated), c.repeat_interleave(seeds), placed)
        shared = (placed * c.view(-1, *[1] * (placed.ndim - 1))).mean(0, keepdim=True)
        loss = InnerProduct(shared.expand(seeds, *code_shape))
        return cls(loss, torch.ones(seeds, dtype=c.dtype, device=device), placed)


def stretch_contrast(images: Tensor, pixel_norm: float) -> Tensor:
    """Each image (N, D, H, W) times what brings 99 % of its pixels within B.

    A picture of low amplitude, which the prior prefers, is gray to the eye.
    """
    norms = torch.linalg.vector_norm(images, dim=1).flatten(1)
    typical = torch.quantile(norms, 0.99, dim=1).clamp(min=1e-6)
    return images * (1.5 * pixel_norm / typical)[:, None, None, None]


def resolve(
    model: Representation | HasLayers, targets: TargetLike | Sequence[TargetLike]
) -> tuple[Representation, list[Target]]:
    """The representation that targets are of, and the targets as its channels.

    Raises:
        TypeError, ValueError: if they are not of the model, or of several layers.
    """
    listed = [targets] if isinstance(targets, Target | int | str) else list(targets)
    if not listed:
        raise ValueError("no target was given")
    wanted = [_as_target(target) for target in listed]
    if isinstance(model, Representation):
        if any(term.layer is not None for target in wanted for term in target.terms):
            raise ValueError(f"the layer of {model.name} is given: its targets name none")
        if any(isinstance(term.feature, str) for target in wanted for term in target.terms):
            raise ValueError("classes need a network: preimage.network(NAME)")
        return model, wanted
    wanted = [target.mapped(lambda term: _with_class(term, model)) for target in wanted]
    layers = {term.layer for target in wanted for term in target.terms}
    if len(layers) > 1 or None in layers:
        names = ", ".join(sorted(str(layer) for layer in layers))
        raise ValueError(f"targets of a network name one layer, not {names}")
    (layer,) = layers
    return model.layer(str(layer)), wanted


def _known(maxima: Sequence[float] | None, targets: Sequence[Target]) -> list[Response]:
    if maxima is None:
        return []
    if len(maxima) != len(targets):
        raise ValueError(f"{len(maxima)} maxima for {len(targets)} targets")
    return [Response(maximum, min(0.0, 2 * maximum)) for maximum in maxima]


def _as_target(target: TargetLike) -> Target:
    if isinstance(target, Target):
        return target
    return class_score(target) if isinstance(target, str) else channel(None, target)


def _with_class(term: Term, model: HasLayers) -> Term:
    """A term that names a class, as the channel of its score."""
    if not isinstance(term.feature, str):
        return term
    return replace(term, layer=model.score_layer, feature=find_class(term.feature, model.classes))
