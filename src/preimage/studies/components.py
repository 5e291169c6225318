"""The components that a study of maximizations names, and the M of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from preimage.names import parse_channels
from preimage.networks import Network
from preimage.representations.base import Representation
from preimage.targets import Target, Term, neuron
from preimage.visualizations.responses import find_ranges


def find_components(
    representation: Representation,
    network: Network | None,
    *,
    channels: str | None = None,
    neurons: Sequence[tuple[int, int, int] | tuple[int, str]] = (),
    classes: Sequence[str] = (),
    size: int | tuple[int, int] | None = None,
) -> list[Term]:
    """Return the components that these keys of a study name, each once.

    If `size` is None, the images have the default size of the representation.

    Raises:
        ValueError: if a channel, a response or a class is unknown, or if classes are named and
            the representation is not the network's layer of class scores.
    """
    size = representation.default_size if size is None else size
    if size is None:
        raise ValueError(f"{representation.name} has no image size of its own: give size")
    grid = representation.code_grid(*((size, size) if isinstance(size, int) else size))
    indices = [] if channels is None else parse_channels(channels, grid.channels)
    found = [Term(None, index) for index in indices]
    for place in neurons:
        (term,) = neuron(None, *place).terms
        found.append(term)
        term.place(grid)  # raises if there is no such response
    if classes:
        if network is None:
            raise ValueError(f"{representation.name} has no classes: give channels")
        scores = f"{network.name}/{network.score_layer}"
        if representation.name != scores:
            raise ValueError(f"classes need the layer {scores}, not {representation.name}")
        for name in classes:
            index = network.class_index(name)
            found.append(Term(None, index, class_name=network.classes[index].split(",")[0]))
    return list({(term.feature, term.position, term.class_name): term for term in found}.values())


def measure_maxima(
    representation: Representation, components: Sequence[Term], photos: Sequence[Path]
) -> list[float]:
    """Return M of each component over photos; 0 if no photo changes its response.

    If all responses of a component are negative, M is their largest magnitude.

    Raises:
        ValueError: if there is no such component, or a photo cannot be used.
        OSError: if the statistics of the layer cannot be kept.
    """
    anywhere = [t if t.is_token else replace(t, position="center") for t in components]
    targets = [Target((term,)) for term in anywhere]
    device = torch.device("cpu")
    with representation.session(device):
        ranges, _ = find_ranges(representation, targets, device, photos)
    return [0.0 if found.is_dead else found.scale for found in ranges]
