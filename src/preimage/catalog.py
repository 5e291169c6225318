"""Names that users type, and the networks and representations that they stand for.

hog, hogb, dsift                          section 4.1
alexnet/conv3                             a layer of a network, after the last "/"
alexnet/fc7|unit|int8:0.02                its codes through steps: see
                                          `preimage.representations.transformations`
torchvision:resnet50/layer3               networks: see `preimage.models.sources`
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from torch import nn

from preimage.models import sources
from preimage.names import STEP, LayerName, unknown, with_article
from preimage.networks import Network
from preimage.representations.base import Representation
from preimage.representations.dsift import DSIFT
from preimage.representations.hog import HOG
from preimage.representations.transformed import Transformed

CLASSICAL: dict[str, tuple[Callable[[], Representation], str]] = {
    "hog": (HOG, "HOG, UoCTTI variant: 27 components in cells of 8 pixels"),
    "hogb": (lambda: HOG(bilinear=True), "HOG with bilinear orientation binning"),
    "dsift": (DSIFT, "dense SIFT: 128 components every 24 pixels, cells of 8 pixels"),
}
"""The classical representations by name, each with a description."""


def representation(name: str, weights: str | Path | None = None) -> Representation:
    """Return the representation of a name such as "hog" or "alexnet/conv3".

    Args:
        name: a classical representation, or NETWORK/LAYER, each perhaps with steps after "|".
        weights: of a network; see `network`.

    Raises:
        ValueError: if there is no such representation; the nearest name is offered.

    >>> representation("dsift").stride
    24
    """
    _check_name(name)
    base, step, steps = name.partition(STEP)
    if step:
        return Transformed.parse(representation(base, weights), steps)
    if name.lower() in CLASSICAL:
        return CLASSICAL[name.lower()][0]()
    named = LayerName.parse(name)
    whole = sources.is_whole(name)
    if named.network and named.layer and not whole:
        return network(named.network, weights).layer(named.layer)
    if whole or sources.is_network(name):
        raise ValueError(f"{name!r} is a network: name one of its layers, as {name}/LAYER")
    known = [*CLASSICAL, *(f"{known}/LAYER" for known in sources.NETWORKS)]
    raise ValueError(unknown("representation", name, known))


def layer_of(network: Network, name: str) -> Representation:
    """Return a layer of a network by a name such as "fc7", or "fc7|unit" with steps.

    Raises:
        ValueError: if there is no such layer or step.
    """
    layer, step, steps = name.partition(STEP)
    found = network.layer(layer)
    return Transformed.parse(found, steps) if step else found


def network(name: str, weights: str | Path | None = None) -> Network:
    """Return the network of a name, with its weights.

    Args:
        name: a name without "/LAYER"; see `preimage.models.sources`.
        weights: a file; "random" for untrained weights from a fixed seed. If None, the
            network's own weights, which must be on this machine.

    Raises:
        ValueError: if there is no such network, or its weights cannot be used.
    """
    _check_name(name)
    found = sources.load(name, weights)
    return Network(
        name,
        found.module,
        found.preprocessing,
        found.classes,
        found.loss_weights,
        inputs=found.inputs,
        scores=found.scores,
        channel_axis=found.channel_axis,
    )


def network_or_layer(name: str, weights: str | Path | None = None) -> Network | Representation:
    """Return the representation of a name or, if the name has no layer, the network.

    Raises:
        ValueError: see `representation`.

    >>> network_or_layer("hogb").name
    'hogb'
    """
    if sources.is_network(name) and ("/" not in name or sources.is_whole(name)):
        return network(name, weights)
    if sources.may_have_slashes(name):
        try:
            return network(name, weights)
        except ValueError:
            pass  # what follows the last slash is a layer
    return representation(name, weights)


def _check_name(name: object) -> None:
    """Raise TypeError unless a name is a text; for a module, say how it becomes a network."""
    if isinstance(name, nn.Module):
        raise TypeError(
            f"{with_article(type(name).__name__)} is a module, not a name: make it a network by "
            "preimage.Network('mine', module, preimage.Preprocessing(mean, std, size)), or one of "
            "its layers a representation by preimage.Layer(module, 'LAYER', preprocessing)"
        )
    if not isinstance(name, str):
        raise TypeError(f"a name must be a text such as 'hog' or 'vgg-m/conv4', not {name!r}")
