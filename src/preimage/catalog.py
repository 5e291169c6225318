"""Names that users type, and the networks and representations that they stand for.

hog, hogb, dsift                          section 4.1
hog:cell_size=4,orientations=6            with arguments that are not the usual ones
alexnet/conv3                             a layer of a network, after the last "/"
alexnet/fc7|unit|int8:0.02                its codes through steps: see
                                          `preimage.representations.transformations`
torchvision:resnet50/layer3               networks: see `preimage.models.sources`
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from preimage.files import sha256
from preimage.models import sources
from preimage.models.state_dicts import RANDOM
from preimage.names import STEP, LayerName, split_arguments, unknown, with_article
from preimage.networks import Network
from preimage.preprocessing import Preprocessing
from preimage.representations.base import Representation
from preimage.representations.dsift import DSIFT
from preimage.representations.hog import HOG
from preimage.representations.transformed import Transformed

CLASSICAL: dict[str, tuple[Callable[..., Representation], str]] = {
    "hog": (HOG, "HOG, UoCTTI variant: 27 components in cells of 8 pixels"),
    "hogb": (partial(HOG, bilinear=True), "HOG with bilinear orientation binning"),
    "dsift": (DSIFT, "dense SIFT: 128 components every 24 pixels, cells of 8 pixels"),
}
"""The classical representations by name, each with a description."""


def representation(name: str, weights: str | Path | None = None) -> Representation:
    """Return the representation of a name such as "hog" or "alexnet/conv3".

    Args:
        name: a classical representation, perhaps with arguments, or NETWORK/LAYER, each perhaps
            with steps after "|".
        weights: of a network; see `network`.

    Raises:
        ValueError: if there is no such representation or argument; the nearest name is offered.

    >>> representation("dsift").stride, representation("dsift:step=10").stride
    (24, 10)
    """
    _check_name(name)
    base, step, steps = name.partition(STEP)
    if step:
        return Transformed.parse(representation(base, weights), steps)
    if is_classical(name):
        return _classical(name)
    named = LayerName.parse(name)
    whole = sources.is_whole(name)
    if named.network and named.layer and not whole:
        return network(named.network, weights=weights).layer(named.layer)
    if whole or sources.is_network(name):
        raise ValueError(f"{name!r} is a network: name one of its layers, as {name}/LAYER")
    known = [*CLASSICAL, *(f"{known}/LAYER" for known in sources.NETWORKS)]
    raise ValueError(f"{unknown('representation', name, known)}{sources.ELSEWHERE}")


def is_classical(name: str) -> bool:
    """Return whether a name without steps is that of a classical representation.

    >>> is_classical("HOG"), is_classical("hog:cell_size=4"), is_classical("hog2")
    (True, True, False)
    """
    return split_arguments(name)[0].lower() in CLASSICAL


def _classical(name: str) -> Representation:
    """Return the classical representation of a name, perhaps with arguments."""
    base, given = split_arguments(name)
    make, _ = CLASSICAL[base.lower()]
    known = inspect.signature(make).parameters
    arguments: dict[str, float] = {}
    for key, text in given.items():
        if key not in known:
            raise ValueError(unknown(f"argument of {base}", key, known))
        is_whole = "int" in str(known[key].annotation)
        try:
            arguments[key] = int(text) if is_whole else float(text)
        except ValueError:
            number = "a whole number" if is_whole else "a number"
            raise ValueError(f"{name}: {key} must be {number}, not {text!r}") from None
    return make(**arguments)


def layer_of(network: Network, name: str) -> Representation:
    """Return a layer of a network by a name such as "fc7", or "fc7|unit" with steps.

    Raises:
        ValueError: if there is no such layer or step.
    """
    layer, step, steps = name.partition(STEP)
    found = network.layer(layer)
    return Transformed.parse(found, steps) if step else found


def network(
    model: str | nn.Module,
    preprocessing: Preprocessing | None = None,
    *,
    weights: str | Path | None = None,
    name: str | None = None,
    classes: Sequence[str] = (),
    inputs: Mapping[str, Any] | None = None,
    scores: str | None = None,
    channel_axis: int | Mapping[str, int] | None = None,
) -> Network:
    """Return the network of a name, with its weights; or a module of your own as a network.

    Args:
        model: a name without "/LAYER", see `preimage.models.sources`; or a module, which is used as
            it is and stays in its mode.
        preprocessing: of a module: how photos become its input.
        weights: of a name: a file; "random" for untrained weights from a fixed seed. If None, the
            network's own weights, which must be on this machine.
        name: of a module: what results call it. If None, the name of its class.
        classes: of a module: the name of each class score, synonyms separated by ", ".
        inputs: of a module: further inputs that it requires beside the image, by keyword.
        scores: of a module: the layer of the class scores. If None, it is found.
        channel_axis: of a module: the axis of channels in the own output of every layer, or a dict
            of axes by layer. If None, it is found for each layer. See `preimage.Network`.

    Raises:
        TypeError: if what belongs to a module is given for a name, or the other way round.
        ValueError: if there is no such network, or its weights cannot be used.

    >>> module = nn.Sequential(nn.Conv2d(3, 8, 5, stride=2), nn.ReLU())
    >>> mine = network(module, Preprocessing(mean=(127.5,) * 3), name="mine")
    >>> mine.layer("1").name
    'mine/1'
    """
    if isinstance(model, nn.Module):
        if not isinstance(preprocessing, Preprocessing) or weights is not None:
            raise TypeError(
                "a module brings its weights and needs its preprocessing: "
                "network(module, preimage.Preprocessing(mean, std, size))"
            )
        return Network(
            model,
            preprocessing,
            name or "",
            tuple(classes),
            inputs=dict(inputs or {}),
            scores=scores,
            channel_axis=channel_axis,
        )
    _check_name(model)
    of_a_module = (preprocessing, name, classes or None, inputs, scores, channel_axis)
    if any(given is not None for given in of_a_module):
        raise TypeError(
            f"{model} has preprocessing, name, classes, inputs and axes of its own; weights are "
            "given by name: network(NAME, weights=FILE)"
        )
    found = sources.load(model, weights)
    return Network(
        found.module,
        found.preprocessing,
        model,
        found.classes,
        found.loss_weights,
        inputs=found.inputs,
        scores=found.scores,
        channel_axis=found.channel_axis,
        weights=_given(weights),
    )


def _given(weights: str | Path | None) -> dict[str, str]:
    """Return what a sidecar tells of weights that were given: the file and its SHA-256."""
    if weights is None:
        return {}
    file = {} if weights == RANDOM else {"weights_sha256": sha256(Path(weights).expanduser())}
    return {"weights": str(weights), **file}


def network_or_layer(name: str, weights: str | Path | None = None) -> Network | Representation:
    """Return the representation of a name or, if the name has no layer, the network.

    Raises:
        ValueError: see `representation`.

    >>> network_or_layer("hogb").name
    'hogb'
    """
    if sources.is_network(name) and ("/" not in name or sources.is_whole(name)):
        return network(name, weights=weights)
    if sources.may_have_slashes(name):
        try:
            return network(name, weights=weights)
        except ValueError:
            pass  # what follows the last slash is a layer
    return representation(name, weights)


def _check_name(name: object) -> None:
    """Raise TypeError unless a name is a text; for a module, say how it becomes a network."""
    if isinstance(name, nn.Module):
        raise TypeError(
            f"{with_article(type(name).__name__)} is a module, not a name: make it a network by "
            "preimage.network(module, preimage.Preprocessing(mean, std, size)), or one of "
            "its layers a representation by preimage.Layer(module, 'LAYER', preprocessing)"
        )
    if not isinstance(name, str):
        raise TypeError(f"a name must be a text such as 'hog' or 'vgg-m/conv4', not {name!r}")
