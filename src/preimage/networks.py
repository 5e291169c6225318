"""Loaded networks: their layers, their classes, and C of each layer."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from preimage.names import LayerName, unknown
from preimage.preprocessing import Preprocessing
from preimage.representations.layer import Layer
from preimage.representations.layer_path import LayerPath
from preimage.representations.layers import Layers

if TYPE_CHECKING:
    from PIL import Image

STRIDE_LOSS_WEIGHTS = ((4, 300.0), (8, 100.0), (16, 20.0))
"""C by stride, for networks without a table of their own: each value applies up to and including
this stride. With the strides of the paper's networks it gives about what section 5.2.1 lists."""

LAST_LOSS_WEIGHT = 1.0
"""C of larger strides, and of layers after the last one of a network's own table."""


@dataclass(frozen=True, slots=True)
class Network:
    """A loaded network: its layers as representations, and its classes.

    `preimage.network` returns networks by name; any `nn.Module` can be made one.

    Attributes:
        name: the name that users know, without a layer.
        module: the network itself.
        preprocessing: how photos become images of the core.
        classes: the name of each class score, synonyms separated by ", "; empty if unknown.
        loss_weights: C by layer: each value applies up to and including the named layer. If
            empty, C depends on the stride.
        inputs: further inputs that the network requires beside the image; see `Layer`.

    >>> module = nn.Sequential(nn.Conv2d(1, 8, 5, stride=2), nn.ReLU())
    >>> network = Network("mine", module, Preprocessing(mean=(127.5,)))
    >>> layer = network.layer("1")
    >>> layer.name, layer.loss_weight
    ('mine/1', 300.0)
    """

    name: str
    module: nn.Module
    preprocessing: Preprocessing
    classes: tuple[str, ...] = ()
    loss_weights: tuple[tuple[str, float], ...] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def layers(self) -> tuple[str, ...]:
        """The dotted names of all submodules."""
        return tuple(name for name, _ in self.module.named_modules() if name)

    @property
    def main_layers(self) -> tuple[str, ...]:
        """The names of its children in order, each chain of blocks replaced by its blocks."""
        names = []
        for name, child in self.module.named_children():
            blocks = list(child.named_children())
            is_chain = isinstance(child, nn.Sequential | nn.ModuleList)
            if is_chain and any(list(block.children()) for _, block in blocks):
                names += [f"{name}.{block}" for block, _ in blocks]
            else:
                names.append(name)
        return tuple(names)

    @property
    def score_layer(self) -> str:
        """The layer of the class scores: the last one with weights.

        Raises:
            ValueError: if no layer has weights.
        """
        weighted = (nn.Linear, nn.Conv2d)
        names = [name for name, m in self.module.named_modules() if isinstance(m, weighted)]
        if not names:
            raise ValueError(f"{self.name} has no layer of class scores")
        return names[-1]

    def layer(self, name: str) -> Layer:
        """Return one of the layers as a representation, with C as in section 5.2.1.

        Raises:
            ValueError: if there is no layer of that name; the nearest name is offered.
        """
        full_name = str(LayerName(self.name, name))
        layer = Layer(self.module, name, self.preprocessing, name=full_name, inputs=self.inputs)
        layer.loss_weight = self._loss_weight(layer)
        return layer

    def several(self, names: Sequence[str]) -> Layers:
        """Return several of the layers as one representation, computed by one forward pass."""
        return Layers([self.layer(name) for name in names])

    def _loss_weight(self, layer: Layer) -> float:
        """Return C from the first row of the table that reaches the layer's end, or by stride."""
        if self.loss_weights:
            end = self._end(layer.layer)
            rows = [weight for last, weight in self.loss_weights if end <= self._end(last)]
        else:
            rows = [weight for most, weight in STRIDE_LOSS_WEIGHTS if layer.stride <= most]
        return rows[0] if rows else LAST_LOSS_WEIGHT

    def _end(self, layer: str) -> int:
        """Return the index of the last submodule that belongs to the module of `layer`."""
        module = LayerPath.parse(self.module, layer).module
        names = enumerate(name for name, _ in self.module.named_modules())
        return max(n for n, name in names if not module or f"{name}.".startswith(f"{module}."))

    def class_index(self, name: str) -> int:
        """Return the index of the class with this name among its synonyms, or with this number.

        Raises:
            ValueError: if there is no such class, or several have the name.

        >>> names = ("drake", "goose", "black swan, Cygnus atratus")
        >>> network = Network("birds", nn.Flatten(), Preprocessing(mean=(127.5,)), names)
        >>> network.class_index("Cygnus atratus")
        2
        """
        if not self.classes:
            raise ValueError("the classes of this network have no names: give a channel")
        if name.isdecimal() and int(name) < len(self.classes):
            return int(name)
        synonyms = [[word.strip().lower() for word in text.split(",")] for text in self.classes]
        found = [index for index, words in enumerate(synonyms) if name.strip().lower() in words]
        if len(found) > 1:
            raise ValueError(f"several classes are called {name!r}: {', '.join(map(str, found))}")
        if not found:
            raise ValueError(unknown("class", name, [word for words in synonyms for word in words]))
        return found[0]

    def probabilities(self, images: Tensor) -> Tensor:
        """Return the softmax of the class scores of images in the core's units, (N, classes)."""
        with torch.no_grad():
            return self.layer(self.score_layer)(images).flatten(1).softmax(1)

    def confidence(self, picture: Image.Image, class_name: str) -> dict[str, Any]:
        """Classify a picture after it was saved with 8 bits and loaded again.

        Returns:
            The `probability` of the class, and `top_1`, the class of the largest probability.

        Raises:
            ValueError: if there is no such class.
        """
        index, file = self.class_index(class_name), io.BytesIO()
        picture.save(file, "PNG")
        file.seek(0)
        image = self.preprocessing.load(file, (picture.height, picture.width))
        (probabilities,) = self.probabilities(image[None])
        likeliest = self.classes[int(probabilities.argmax())]
        return {"probability": float(probabilities[index]), "top_1": likeliest.split(",")[0]}
