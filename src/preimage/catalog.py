"""From the names that a user types to networks and representations.

    hog, hogb, dsift                          section 4.1
    alexnet/conv3                             the networks of section 4.2 and their relatives
    matconvnet:FILE.mat/conv3                 any other SimpleNN file
    efficientnet-lite0/blocks.5
    torchvision:resnet50/layer3               other sources, see `models.sources`
    timm:vit_small_patch16_224/blocks.6
    import:package.module.factory/layer

The layer follows the last "/".
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from preimage.models import efficientnet_lite, matconvnet, zoo
from preimage.models.loaded import SourceModel
from preimage.models.matconvnet import MatConvNetModel
from preimage.models.sources import SOURCES, load_source
from preimage.models.state_dicts import RANDOM, fixed_seed
from preimage.models.weights import load as load_zoo_model
from preimage.names import LayerName, unknown
from preimage.preprocessing import Preprocessing
from preimage.representations.base import Representation
from preimage.representations.dsift import DSIFT
from preimage.representations.hog import HOG
from preimage.representations.layer import Layer
from preimage.representations.layers import Layers
from preimage.settings import LAST_LOSS_WEIGHT, LAYER_LOSS_WEIGHTS, STRIDE_LOSS_WEIGHTS
from preimage.targets import find_class

if TYPE_CHECKING:
    from PIL import Image

CLASSICAL: dict[str, tuple[Callable[[], Representation], str]] = {
    "hog": (HOG, "HOG, UoCTTI variant: 27 components in cells of 8 pixels"),
    "hogb": (lambda: HOG(bilinear=True), "HOG with bilinear orientation binning"),
    "dsift": (DSIFT, "dense SIFT: 128 components every 24 pixels, cells of 8 pixels"),
}
"""The classical representations by name, each with what it is."""

NETWORKS = (*zoo.NETWORKS, efficientnet_lite.NAME)
"""The networks that have a name of their own."""

_MATCONVNET = "matconvnet"
_IMAGENET_MEAN = (123.68, 116.779, 103.939)


@dataclass(frozen=True, slots=True)
class Network:
    """A loaded network, which several layers can share.

    Attributes:
        name: what a user calls it, without a layer.
        module: the network itself.
        preprocessing: mean, std and size of its images.
        classes: names of the scores, synonyms separated by ", "; empty where unknown.
    """

    name: str
    module: nn.Module
    preprocessing: Preprocessing
    classes: tuple[str, ...]

    @property
    def layers(self) -> tuple[str, ...]:
        """The dotted names of all submodules."""
        return tuple(name for name, _ in self.module.named_modules() if name)

    @property
    def main_layers(self) -> tuple[str, ...]:
        """Its children, or the blocks of a child that is a chain of blocks, in order."""
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
        """The layer of the class scores: the last with weights.

        Raises:
            ValueError: if it has no weights.
        """
        weighted = (nn.Linear, nn.Conv2d)
        names = [name for name, m in self.module.named_modules() if isinstance(m, weighted)]
        if not names:
            raise ValueError(f"{self.name} has no layer of class scores")
        return names[-1]

    def probabilities(self, images: Tensor) -> Tensor:
        """The softmax of the class scores of images in the core's units, (N, classes)."""
        with torch.no_grad():
            return self.layer(self.score_layer)(images).flatten(1).softmax(1)

    def confidence(self, picture: Image.Image, class_name: str) -> dict[str, Any]:
        """What it makes of a picture that is saved with 8 bits and loaded afresh.

        Returns:
            Its `probability` for the class, and `top_1`, the class that it holds likeliest.

        Raises:
            ValueError: if there is no such class.
        """
        index, file = find_class(class_name, self.classes), io.BytesIO()
        picture.save(file, "PNG")
        file.seek(0)
        image = self.preprocessing.load(file, (picture.height, picture.width))
        (probabilities,) = self.probabilities(image[None])
        likeliest = self.classes[int(probabilities.argmax())]
        return {"probability": float(probabilities[index]), "top_1": likeliest.split(",")[0]}

    def layer(self, name: str) -> Layer:
        """One of its layers as a representation, C as section 5.2.1 has it.

        Raises:
            ValueError: if there is none of that name; the nearest ones are suggested.
        """
        layer = Layer(self.module, name, self.preprocessing, name=f"{self.name}/{name}")
        if self.name in LAYER_LOSS_WEIGHTS:
            layer.loss_weight = self._listed_loss_weight(name)
        else:
            by_stride = (c for most, c in STRIDE_LOSS_WEIGHTS if layer.stride <= most)
            layer.loss_weight = next(by_stride, LAST_LOSS_WEIGHT)
        return layer

    def several(self, names: Sequence[str]) -> Layers:
        """Several of its layers, by one forward pass.

        Raises:
            ValueError: if there is none of a name; the nearest ones are suggested.
        """
        return Layers([self.layer(name) for name in names])

    def _listed_loss_weight(self, layer: str) -> float:
        """C of the first boundary of the table that is not passed when `layer` has run."""
        end = self._end(layer)
        for boundary, weight in LAYER_LOSS_WEIGHTS[self.name]:
            if end <= self._end(boundary):
                return weight
        return LAST_LOSS_WEIGHT

    def _end(self, layer: str) -> int:
        """Index of the last submodule that belongs to `layer`."""
        return max(
            index for index, name in enumerate(self.layers) if f"{name}.".startswith(f"{layer}.")
        )


def representation(name: str, weights: str | Path | None = None) -> Representation:
    """The representation that a name stands for.

    Args:
        name: see the module.
        weights: of a network; see `network`.

    Raises:
        ValueError: if there is none of that name; the nearest one is suggested.

    >>> representation("dsift").stride
    24
    """
    if name.lower() in CLASSICAL:
        return CLASSICAL[name.lower()][0]()
    named = LayerName.parse(name)
    if named.network and named.layer:
        return network(named.network, weights).layer(named.layer)
    if name in NETWORKS or name.partition(":")[0] in (_MATCONVNET, *SOURCES):
        raise ValueError(f"{name!r} is a network: name one of its layers, as {name}/LAYER")
    known = [*CLASSICAL, *(f"{network}/LAYER" for network in NETWORKS)]
    raise ValueError(unknown("representation", name, known))


def network(name: str, weights: str | Path | None = None) -> Network:
    """The network that a name stands for, with its weights.

    Args:
        name: as in the module, without "/LAYER".
        weights: a file, "random" for untrained weights from a fixed seed, or None for the
            network's own, which must be on this computer.

    Raises:
        ValueError: if there is none of that name, or its weights cannot be used.
    """
    source, separator, file = name.partition(":")
    if name in zoo.NETWORKS:
        return _from_matconvnet(name, _zoo_model(name, weights))
    if name == efficientnet_lite.NAME:
        return _from_source(name, efficientnet_lite.load_efficientnet_lite0(weights))
    if separator and source == _MATCONVNET:
        return _from_matconvnet(name, matconvnet.read(file))
    if separator:
        return _from_source(name, load_source(name, weights))
    raise ValueError(unknown("network", name, NETWORKS))


def _zoo_model(name: str, file: str | Path | None) -> MatConvNetModel:
    if file is None:
        return load_zoo_model(name)
    known = zoo.get(name)
    if file == RANDOM:
        with fixed_seed():
            module = known.build().eval().requires_grad_(False)
        return MatConvNetModel(module, known.layers, None, known.image_size, (), ())
    model = matconvnet.read(file)
    matconvnet.check_architecture(model, known)
    return model


def _from_matconvnet(name: str, model: MatConvNetModel) -> Network:
    """With the mean color of ImageNet where the file has none."""
    preprocessing = Preprocessing(mean=model.mean or _IMAGENET_MEAN, size=model.image_size)
    return Network(name, model.network, preprocessing, model.classes)


def _from_source(name: str, model: SourceModel) -> Network:
    preprocessing = Preprocessing(
        mean=model.mean,
        std=model.std,
        size=model.size,
        resize=model.resize,
        interpolation=model.interpolation,
    )
    return Network(name, model.network, preprocessing, model.classes)
