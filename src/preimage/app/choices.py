"""The representations, networks, layers, classes and photos that visitors choose from.

What a browser sends is a name from these lists and nothing else: no path, no import. A network is
loaded when it is chosen for the first time, and only what is told of it is kept: the workers load
it for themselves.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from preimage.app.options import AppOptions
from preimage.names import LayerName, unknown
from preimage.photo_files import shipped_photos

if TYPE_CHECKING:
    from preimage.networks import Network
    from preimage.representations.code_grid import CodeGrid

CLASSICAL = {
    "hog": "HOG: edges in cells of 8 pixels",
    "hogb": "HOGb: HOG with smoother edges",
    "dsift": "DSIFT: edges in patches of 32 pixels",
}
"""The representations without layers, by name, in words."""


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """A layer as the lists show it.

    Attributes:
        name: its name in the network.
        kind: the class of its module.
        field: the size of its receptive field in pixels; None for the whole image.
        stride: the distance of its receptive fields in pixels; None likewise.
        code: the layout of its code for an image of the network's size.
    """

    name: str
    kind: str
    field: int | None
    stride: float | None
    code: CodeGrid

    @property
    def channels(self) -> int:
        """The number of its channels."""
        return self.code.channels

    @property
    def words(self) -> str:
        """The layer in words: its name, what a response sees, and how many there are.

        >>> from preimage.representations.code_grid import CodeGrid
        >>> LayerFacts("conv1", "Conv2d", 11, 4.0, CodeGrid((96, 54, 54), 96, (54, 54))).words
        'conv1: sees 11 x 11 pixels, every 4; 96 channels'
        """
        seen = "the whole image"
        if self.field is not None and self.stride is not None:
            seen = f"{self.field} x {self.field} pixels, every {self.stride:g}"
        return f"{self.name}: sees {seen}; {self.channels} channels"


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """A network as the pages show it: its layers in order, and the names of its classes.

    Attributes:
        name: the name that users know.
        layers: its main layers.
        classes: the name of each class, synonyms separated by ", ".
        size: height and width of its images.
    """

    name: str
    layers: tuple[LayerFacts, ...]
    classes: tuple[str, ...]
    size: tuple[int, int]

    def layer(self, name: str) -> LayerFacts:
        """Return a layer by name; raise ValueError if there is none, with the nearest name."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(unknown("layer", name, [layer.name for layer in self.layers]))

    @property
    def class_choices(self) -> list[tuple[str, str]]:
        """The choices of a list: a class with all its names, and the name that stands for it.

        >>> NetworkFacts("a", (), ("crane", "crane, bird", "goose"), (1, 1)).class_choices[1:]
        [('crane, bird', '1'), ('goose', 'goose')]
        """
        words = [[word.strip().lower() for word in text.split(",")] for text in self.classes]
        counts = Counter(word for several in words for word in set(several))
        return [
            (text, text.split(",")[0] if counts[several[0]] == 1 else str(index))
            for index, (text, several) in enumerate(zip(self.classes, words, strict=True))
        ]

    @property
    def middle(self) -> str:
        """The layer in the middle of the network, which shows most to a newcomer."""
        return self.layers[len(self.layers) // 2].name


class Choices:
    """All that visitors choose from, for one run of the app.

    Args:
        options: the options of the app.
        load: returns the network of a name.
    """

    def __init__(self, options: AppOptions, load: Callable[[str], Network] | None = None) -> None:
        self.networks = options.all_networks
        self.limits = options.limits
        self._load = load or _load
        self._facts: dict[str, NetworkFacts] = {}
        self._loading = threading.Lock()

    @cached_property
    def photos(self) -> dict[str, Path]:
        """The photos that the package ships, by name."""
        return shipped_photos()

    def photo(self, name: str) -> Path:
        """Return the file of a shipped photo; raise ValueError if there is none of this name."""
        if name not in self.photos:
            raise ValueError(unknown("photo", name, self.photos))
        return self.photos[name]

    def representations(self) -> list[tuple[str, str]]:
        """Return the choices of a list: words, and the name of a descriptor or network."""
        classical = [(words, name) for name, words in CLASSICAL.items()]
        return [*classical, *((name, name) for name in self.networks)]

    def facts(self, network: str) -> NetworkFacts:
        """Return what is told of a network, which is loaded for it once.

        Raises:
            ValueError: if the network is none of those to choose from, or cannot be loaded.
        """
        if network not in self.networks:
            raise ValueError(unknown("network", network, self.networks))
        with self._loading:
            if network not in self._facts:
                self._facts[network] = _describe(self._load(network))
            return self._facts[network]

    def representation(self, chosen: str, layer: str | None) -> str:
        """Return the name of a descriptor or of a layer of a network, if both can be chosen.

        Raises:
            ValueError: if one of them is not in the lists.

        >>> Choices(AppOptions()).representation("hog", None)
        'hog'
        """
        if chosen in CLASSICAL:
            return chosen
        facts = self.facts(chosen)
        return str(LayerName(chosen, facts.layer(layer or facts.middle).name))


def _load(name: str) -> Network:
    """Load a network by its name."""
    from preimage.catalog import network

    return network(name)


def _describe(network: Network) -> NetworkFacts:
    """Return the facts of a network, from a few passes through it."""
    from preimage.preprocessing import DEFAULT_SIZE

    images = network.preprocessing.size or DEFAULT_SIZE
    several = network.several(network.usable_layers)
    codes, fields = several.code_grids(*images), several.receptive_fields
    kinds = {str(row[0]): str(row[1]) for row in network.layers_table().rows}
    layers = []
    for name in network.usable_layers:
        kind, field = kinds[name], fields[name]
        size, stride = (None, None) if field is None else (field.size, float(field.stride))
        layers.append(LayerFacts(name, kind, size, stride, codes[name]))
    return NetworkFacts(network.name, tuple(layers), network.classes, images)
