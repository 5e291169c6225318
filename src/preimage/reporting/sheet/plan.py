"""The trials of a sheet: inversions of a photo from descriptors and from layers of a network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from preimage.networks import Network
from preimage.paper.table4 import REPRESENTATIONS
from preimage.studies.expansion import expand
from preimage.studies.loader import Loader
from preimage.studies.study import make_study
from preimage.studies.trial import Trial
from preimage.visualizations.showing import spread

SIZE = 480
"""The longer side of the photo from which the descriptors are inverted, in pixels."""

_LAYERS = 5


def choose_layers(network: Network) -> list[str]:
    """Return a few of the main layers of a network, evenly by depth, with the first and the last.

    >>> from preimage.catalog import network
    >>> choose_layers(network("vgg-m", weights="random"))
    ['conv1', 'relu2', 'conv4', 'fc6', 'prob']
    """
    return list(spread(network.main_layers, _LAYERS))


def plan_sheet(
    photo: Path,
    layers: Sequence[str],
    loader: Loader,
    *,
    weights: str | None = None,
    steps: int | None = None,
    seed: int = 0,
) -> list[Trial]:
    """Return the trials of a sheet: those of the descriptors, then those of the layers.

    Args:
        photo: the file of the photo.
        layers: full names of layers.
        loader: loads the network.
        weights: weight file of the network, or "random".
        steps: number of steps of each inversion; None for the default of each.
        seed: seed of the noise from which each picture was found.

    Raises:
        ValueError: if there is no such layer, or a value is out of range.
        ImageError: if there is no such file.
    """
    shared: dict[str, Any] = {"images": [str(photo.absolute())], "steps": steps, "seeds": [seed]}
    studies: list[dict[str, Any]] = [
        shared | {"representations": list(REPRESENTATIONS), "size": SIZE},
        shared | {"representations": list(layers), "weights": weights},
    ]
    trials = []
    for keys in studies:
        given = {key: value for key, value in keys.items() if value is not None}
        trials += expand(make_study(given | {"name": "sheet"}), loader)
    return trials
