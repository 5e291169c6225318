"""The trials of an atlas of a network: three studies, which resume as all studies do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preimage.names import LayerName
from preimage.networks import Network
from preimage.paper import table4
from preimage.representations.layer import Layer
from preimage.studies.expansion import expand
from preimage.studies.loader import Loader
from preimage.studies.study import make_study
from preimage.studies.trial import Trial

CHANNELS = "0-31"
"""The channels of each layer that an atlas shows, as far as there are so many."""

_LAYERS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The wishes for an atlas of a network; None and empty stand for the defaults.

    Attributes:
        layers: the layers whose channels are maximized.
        channels: the channels, such as "0-31", or "all".
        classes: the classes that are maximized.
        images: the photos that are inverted and caricatured.
        limit: the largest number of these.
        reference: the photos that M is taken from.
        depths: the number of layers that photos are inverted from.
        seeds: the number of pictures of each channel.
        diversity: weight of the difference between as many other pictures of each channel; 0 for
            none.
        loss_weight: values of C of the inversions.
        steps: number of steps of all pictures.
        weights: weight file of the network, or "random".
    """

    layers: Sequence[str] = ()
    channels: str | None = None
    classes: Sequence[str] = ()
    images: Sequence[str] | None = None
    limit: int | None = None
    reference: Sequence[str] | None = None
    depths: int = 8
    seeds: int = 1
    diversity: float = 0
    loss_weight: Sequence[Any] | None = None
    steps: int | None = None
    weights: str | None = None


def plan_network(name: str, wishes: Wishes, loader: Loader) -> dict[str, list[Trial]]:
    """Return the trials of an atlas of a network, by the names of their studies.

    Raises:
        ValueError: if there is no such network, layer, channel or class, or a value is out of
            range.
        ImageError: if there are no photos.
    """
    network = loader.network(name, wishes.weights)
    main = network.main_layers
    layers = list(wishes.layers) or spread(_before_scores(network), (), _LAYERS)
    layers = list(main) if layers == ["all"] else layers
    place = {layer: n for n, layer in enumerate(main)}
    layers.sort(key=lambda layer: place.get(layer, len(place)))
    last = [main[-1]] if wishes.depths > len(layers) and main[-1] not in layers else []
    inverted = spread(main, [*layers, *last], wishes.depths)
    inverted.sort(key=lambda layer: place.get(layer, len(place)))
    plans = _keys(network, layers, inverted, wishes)
    kinds = {"channels": "maximize", "inversions": "invert", "caricatures": "caricature"}
    found = {}
    for part, several in plans.items():
        trials: dict[str, Trial] = {}
        for keys in several:
            given = {key: value for key, value in keys.items() if value is not None}
            study = make_study(given | {"name": part, "visualization": kinds[part]})
            trials |= {trial.key: trial for trial in expand(study, loader)}
        found[f"{part} of {name}"] = list(trials.values())
    return found


def _keys(
    network: Network, layers: Sequence[str], inverted: Sequence[str], wishes: Wishes
) -> dict[str, list[dict[str, Any]]]:
    """Return the keys of the studies of each part of an atlas; None stands for no such key."""
    shared: dict[str, Any] = {"weights": wishes.weights, "steps": wishes.steps}
    of_photos = shared | {"images": wishes.images, "limit": wishes.limit}
    of_channels = shared | {"reference": wishes.reference, "seeds": list(range(wishes.seeds))}
    channels = [
        of_channels | {"representations": [full], "channels": _channels(network, full, wishes)}
        for full in _full_names(network, layers)
    ]
    if wishes.diversity:
        diverse = {"diversity": wishes.diversity}
        found = zip(channels, layers, strict=True)
        channels += [k | diverse for k, layer in found if _has_places(network.layer(layer))]
    if wishes.classes:
        scores = _full_names(network, [network.score_layer])
        of_classes = {"representations": scores, "classes": list(wishes.classes)}
        channels.append(of_channels | of_classes)
    of_inversions = {"representations": _full_names(network, inverted)}
    return {
        "channels": channels,
        "inversions": [of_photos | of_inversions | {"loss_weight": wishes.loss_weight}],
        "caricatures": [of_photos | {"representations": _full_names(network, layers)}],
    }


def plan_classical(
    names: Sequence[str], photos: Sequence[Path], size: int | None = None
) -> dict[str, list[Trial]]:
    """Return the trials of Table 4 of these of its representations, by the name of a study."""
    trials = table4.trials(photos, size)
    return {f"table4 of {name}": [t for t in trials if t.representation == name] for name in names}


def spread(layers: Sequence[str], chosen: Sequence[str], count: int) -> list[str]:
    """Return chosen layers and, up to a number, others as far from each other as there are.

    >>> spread(["a", "b", "c", "d", "e"], ["b"], 3)
    ['b', 'e', 'a']
    >>> spread(["a", "b"], [], 5)
    ['a', 'b']
    """
    found = list(chosen)
    while len(found) < count and (left := [layer for layer in layers if layer not in found]):
        taken = [n for n, layer in enumerate(layers) if layer in found]
        place = {layer: n for n, layer in enumerate(layers)}
        away = {one: min((abs(place[one] - n) for n in taken), default=0) for one in left}
        found.append(max(left, key=away.__getitem__))
    return found


def _full_names(network: Network, layers: Sequence[str]) -> list[str]:
    return [str(LayerName(network.name, layer)) for layer in layers]


def _before_scores(network: Network) -> list[str]:
    """Return the main layers without the class scores, whose channels are classes."""
    if not network.classes:
        return list(network.main_layers)
    return [layer for layer in network.main_layers if layer != network.score_layer]


def _has_places(layer: Layer) -> bool:
    """Return whether the codes of a layer are maps or tokens, whose textures can differ."""
    return len(layer.code_shape(*layer.default_size)) > 1


def _channels(network: Network, full_name: str, wishes: Wishes) -> str:
    """Return the channels of a layer that are shown; by default those that it has of `CHANNELS`."""
    if wishes.channels is not None:
        return wishes.channels
    layer = network.layer(LayerName.parse(full_name).layer)
    count = layer.code_grid(*layer.default_size).channels
    first, _, last = CHANNELS.partition("-")
    return f"{first}-{min(int(last), count - 1)}"
