"""What a trial of activation maximization excites, and the M that its C is measured by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, NonNegativeInt

from preimage.files import sha256
from preimage.names import parse_channels
from preimage.networks import Network
from preimage.representations.base import Representation
from preimage.studies.trial_files import checksum
from preimage.targets import (
    Target,
    Term,
    channel,
    channel_count,
    neuron,
)
from preimage.visualizations.responses import find_ranges


class Component(BaseModel):
    """A channel, one response of it, or the score of a class.

    Attributes:
        channel: its index.
        position: row and column of the response; None for the central one.
        class_name: of a class score; else empty.

    >>> str(Component(channel=5, position=(3, 4))), str(Component(channel=7, class_name="goose"))
    ('5:3,4', 'goose')
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    channel: NonNegativeInt
    position: tuple[NonNegativeInt, NonNegativeInt] | None = None
    class_name: str = ""

    def __str__(self) -> str:
        return self.class_name or str(self.target().terms[0])

    @property
    def is_central(self) -> bool:
        """Whether it is a central response."""
        return self.position is None

    def target(self) -> Target:
        """The component as a target of its layer."""
        if self.position is None:
            return channel(None, self.channel)
        return neuron(None, self.channel, *self.position)


def find_components(
    representation: Representation,
    network: Network | None,
    channels: Sequence[int] | str | None,
    neurons: Sequence[tuple[int, int, int]],
    classes: Sequence[str],
    size: int | tuple[int, int] | None,
) -> list[Component]:
    """The components that the keys of a study name, each once.

    Args:
        representation: what they are of.
        network: whose layer it is, if it is one.
        channels: their indices, ranges as in "0-24", or "all".
        neurons: channel, row and column of each.
        classes: by name or number.
        size: of the images.

    Raises:
        ValueError: if a channel, a response or a class is unknown, or the layer is not that of
            the class scores.
    """
    size = representation.default_size if size is None else size
    if size is None:
        raise ValueError(f"{representation.name} has no image size of its own: give size")
    shape = representation.code_shape(*((size, size) if isinstance(size, int) else size))
    count = channel_count(shape)
    if isinstance(channels, str):
        channels = parse_channels(channels, count)
    found = [Component(channel=index) for index in channels or ()]
    found += [Component(channel=index, position=(row, column)) for index, row, column in neurons]
    for component in found:
        if component.channel >= count or component.position is not None:
            component.target().place({None: shape})  # raises where there is none
    if classes:
        scored = _scored_network(representation, network)
        for name in classes:
            index = scored.class_index(name)
            label = scored.classes[index].split(",")[0]
            found.append(Component(channel=index, class_name=label))
    return list(dict.fromkeys(found))


def measure_maxima(
    representation: Representation, components: Sequence[Component], photos: Sequence[Path]
) -> list[float]:
    """M of each component over photos, 0 of those that no photo moves.

    Where all its responses are negative, it is the size of the strongest.

    Raises:
        ValueError: if there is no such component, or a photo cannot be used.
        OSError: if the statistics of the layer cannot be kept.
    """
    targets = [Target((Term(None, c.channel, class_name=c.class_name),)) for c in components]
    device = torch.device("cpu")
    with representation.session(device):
        ranges, _ = find_ranges(representation, targets, device, photos)
    return [0.0 if found.is_dead else found.scale for found in ranges]


def checksum_of_all(photos: Sequence[Path]) -> str:
    """SHA-256 of the contents of photos, whatever their order and names."""
    contents = sorted({checksum(photo) for photo in photos})
    return sha256("".join(contents).encode())


def _scored_network(representation: Representation, network: Network | None) -> Network:
    """Return the network whose class scores the representation is."""
    if network is None:
        raise ValueError(f"{representation.name} has no classes: give channels")
    layer = f"{network.name}/{network.score_layer}"
    if representation.name != layer:
        raise ValueError(f"classes are of the layer of scores, {layer}, not {representation.name}")
    return network
