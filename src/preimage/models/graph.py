"""Networks whose layers form a graph, such as MatConvNet's ResNets and GoogLeNet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import final

from torch import Tensor, nn

from preimage.models import layers
from preimage.models.architecture import Node, channels_after


@final
class Graph(nn.Module):
    """A network that calls its children in turn, each with maps that earlier ones made.

    >>> from preimage.models.architecture import Convolution, Rectifier, Sum
    >>> nodes = [
    ...     Node(Convolution("conv", (1, 1), 3), ("image",), "a"),
    ...     Node(Rectifier("relu"), ("a",), "b"),
    ...     Node(Sum("sum"), ("image", "b"), "c"),
    ... ]
    >>> import torch
    >>> build(nodes, "image")(torch.ones(1, 3, 4, 4)).shape
    torch.Size([1, 3, 4, 4])
    """

    def __init__(self, modules: Mapping[str, nn.Module], nodes: Sequence[Node], image: str) -> None:
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)
        self._nodes, self._image = tuple(nodes), image

    def forward(self, x: Tensor) -> Tensor:
        """Return the output of the last layer for images (N, D, H, W)."""
        maps = {self._image: x}
        for node in self._nodes:
            layer = self.get_submodule(node.layer.name)
            maps[node.output] = layer(*(maps[name] for name in node.inputs))
        return maps[self._nodes[-1].output]


def build(nodes: Sequence[Node], image: str, channels: int = 3) -> nn.Module:
    """Build the network of these nodes, each after those whose maps it takes.

    Args:
        nodes: the layers.
        image: the name of the map that is the network's input.
        channels: the number of channels of the image.

    Returns:
        A network with random weights: an `nn.Sequential` if the nodes form a chain.
    """
    before = [image, *(node.output for node in nodes)]
    if all(node.inputs == (name,) for node, name in zip(nodes, before, strict=False)):
        return layers.build([node.layer for node in nodes], channels)
    counts, modules = {image: channels}, {}
    for node in nodes:
        inputs = [counts[name] for name in node.inputs]
        modules[node.layer.name] = layers.module_of(node.layer, inputs[0])
        counts[node.output] = channels_after(node.layer, inputs)
    return Graph(modules, nodes, image)
