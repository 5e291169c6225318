"""The resolution of classes to channels, and of the layers of targets to a representation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from torch import Tensor, nn

from preimage.names import LayerName
from preimage.networks import Network
from preimage.representations.base import Representation
from preimage.targets import AnyTarget, FunctionTarget, Target, Term, channel, class_score

TargetLike: TypeAlias = Target | int | str | Callable[[Any], Tensor]
"""A target, the number of a representation's channel, the name of a network's class, or a function
of codes."""


def resolve(
    model: Representation | Network, targets: TargetLike | Sequence[TargetLike]
) -> tuple[Representation, Sequence[AnyTarget]]:
    """Return the representation that the targets belong to, and the targets as its components."""
    if not isinstance(model, Representation | Network):
        raise TypeError(
            "the model must be a representation or a network, such as preimage.network(NAME) or "
            f"preimage.Layer(module, layer, preprocessing), not a {type(model).__name__}"
        )
    is_number = getattr(targets, "ndim", None) == 0  # a tensor or array of no axes
    several = isinstance(targets, Iterable) and not isinstance(targets, str) and not is_number
    listed: list[Any] = list(targets) if several else [targets]  # type: ignore[arg-type]
    if not listed:
        raise ValueError("no target was given")
    functions = [FunctionTarget(target) for target in listed if _is_function(target)]
    if functions:
        return _of_functions(model, functions, len(listed)), functions
    wanted = [_as_target(target) for target in listed]
    if isinstance(model, Representation):
        _check_layers(model, wanted)
        return model, wanted
    return _of_network(model, wanted)


def _is_function(target: object) -> bool:
    """Tell whether a target is a function of codes; a class or a module is none."""
    return callable(target) and not isinstance(target, type | nn.Module)


def _of_functions(
    model: Representation | Network, functions: Sequence[FunctionTarget], count: int
) -> Representation:
    """Return the representation whose codes the functions get, if all `count` targets are such."""
    if len(functions) < count:
        raise ValueError(
            f"the functions {', '.join(map(str, functions))} stand beside other targets: give "
            "functions in a call of their own"
        )
    if isinstance(model, Network):
        raise ValueError(
            f"the function {functions[0]} needs the layers whose codes it gets: give "
            "network.layer(NAME), or network.several([NAME, ...]) for codes by name"
        )
    return model


def _as_target(target: TargetLike) -> Target:
    if isinstance(target, Target):
        return target
    if isinstance(target, str):
        return class_score(target)
    if callable(target) or not hasattr(target, "__index__"):
        raise TypeError(
            "a target must be the number of a channel, the name of a class, or made by "
            "preimage.channel, neuron, mean_channel, direction or class_score, or a sum of these, "
            f"or a function of codes, not {type(target).__name__}"
        )
    return channel(None, target)


def _check_layers(representation: Representation, targets: Sequence[Target]) -> None:
    """Raise ValueError if a target names a class, or a layer that the representation lacks."""
    terms = [term for target in targets for term in target.terms]
    if any(term.class_name for term in terms):
        network = LayerName.parse(representation.name).network or "NAME"
        raise ValueError(
            "classes need a network, not a layer of it: give the network, as "
            f"preimage.network({network!r}) makes it, in place of {representation.name}"
        )
    several = [name for name in representation.layers if name is not None]
    if several and not all(term.layer in several for term in terms):
        raise ValueError(
            f"the layers are {', '.join(several)}: name one of them in each target, as in "
            f"channel({several[0]!r}, 3)"
        )
    if not several and any(term.layer is not None for term in terms):
        raise ValueError(
            f"the layer is {representation.name} already: name no layer in the target, as in "
            "channel(None, 3), or give the network instead"
        )


def _of_network(network: Network, targets: Sequence[Target]) -> tuple[Representation, list[Target]]:
    """Return the layers that the targets name, and the targets with classes as channels."""

    def with_channel(term: Term) -> Term:
        if not term.class_name:
            return term
        index = network.class_index(term.class_name)
        return replace(term, layer=network.score_layer, feature=index)

    found = [target.mapped(with_channel) for target in targets]
    names = dict.fromkeys(term.layer for target in found for term in target.terms)
    named = [name for name in names if name is not None]
    if len(named) < len(names):
        raise ValueError(
            "the targets of a network must name its layers, as in channel('blocks.5', 3); or give "
            "the layer instead, as in network.layer('blocks.5')"
        )
    return network.layer(named[0]) if len(named) == 1 else network.several(named), found
