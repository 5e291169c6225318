"""The layers of a DagNN, MatConvNet's networks whose layers form a graph.

Its file holds struct arrays: `layers` with the fields name, type (such as dagnn.Conv), inputs,
outputs, params (names all three) and block (the fields of that type); `params` with name and
value; `vars`, which are the maps that layers take and make.

A block has the fields of a SimpleNN's struct of the same kind, but for the names below, so that
`preimage.models.simplenn` reads both.
"""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import Any

from torch import Tensor

from preimage.models.architecture import Node, channels_after
from preimage.models.errors import ModelError
from preimage.models.simplenn import input_channels, read_layer, unique_name

_Struct = dict[str, Any]

_KINDS = {
    "Conv": "conv",
    "ConvTranspose": "convt",
    "BatchNorm": "bnorm",
    "Scale": "scale",
    "Pooling": "pool",
    "ReLU": "relu",
    "Sigmoid": "sigmoid",
    "LRN": "lrn",
    "SoftMax": "softmax",
    "DropOut": "dropout",
    "Sum": "sum",
    "Concat": "concat",
    "Crop": "crop",
}
_IMAGES = ("data", "input", "image", "x0")
"""The names that the map of the image usually has."""


def read_graph(
    layers: list[_Struct], params: list[_Struct], image: str = ""
) -> tuple[list[Node], dict[str, Tensor], str, int]:
    """Return a DagNN's layers in the order of a pass, and what they need.

    Losses are left out: layers of a loss type whose output no other layer takes.

    Args:
        layers: the structs of the layers.
        params: the structs of the parameters.
        image: the name of the map of the image; "" if the file does not name it.

    Returns:
        The layers, their weights by name, the name of the image's map, and its channels.

    Raises:
        ModelError: if a layer is not supported or lacks a part, or if the graph does not take
            exactly one image.
    """
    steps = _in_order(_without_losses([_step(layer) for layer in layers]))
    if not steps:
        raise ModelError("holds a DagNN without layers")
    values = {str(param.get("name")): param.get("value") for param in params}
    nodes: list[Node] = []
    weights: dict[str, Tensor] = {}
    image = _image(steps, image)
    counts = {image: 0}
    for number, (struct, inputs, output) in enumerate(steps, start=1):
        name = unique_name(struct, number, [node.layer.name for node in nodes])
        given = [counts[key] for key in inputs]
        spec, own = read_layer(_as_simplenn(struct, name, values), name, given)
        if not counts[image] and image in inputs:
            counts[image] = input_channels(spec, own)
        counts[output] = channels_after(spec, [counts[key] for key in inputs])
        nodes.append(Node(spec, inputs, output))
        weights |= own
    return nodes, weights, image, counts[image] or 3


_Step = tuple[_Struct, tuple[str, ...], str]


def _step(layer: _Struct) -> _Step:
    """Return a layer's struct, the names of its inputs, and that of its output."""
    inputs, outputs = _names(layer.get("inputs")), _names(layer.get("outputs"))
    if not inputs or len(outputs) != 1:
        raise ModelError(
            f"layer {layer.get('name')} has {len(inputs)} inputs and {len(outputs)} outputs; only "
            "layers with inputs and one output are supported"
        )
    return layer, inputs, outputs[0]


def _names(value: Any) -> tuple[str, ...]:
    """Return the texts of a cell array, or the one text that stands for it."""
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def _without_losses(steps: list[_Step]) -> list[_Step]:
    """Return the steps without the losses and errors whose output no other step takes."""
    taken = {name for _, inputs, _ in steps for name in inputs}
    return [step for step in steps if step[2] in taken or not _is_loss(step[0])]


def _is_loss(layer: _Struct) -> bool:
    kind = _kind(layer).lower()
    return "loss" in kind or "error" in kind or kind == "pdist"


def _kind(layer: _Struct) -> str:
    return str(layer.get("type", "")).rpartition(".")[2]


def _in_order(steps: list[_Step]) -> list[_Step]:
    """Return the steps, each after those whose output it takes; keep the file's order if valid."""
    makers = {output: index for index, (_, _, output) in enumerate(steps)}
    if len(makers) < len(steps):
        raise ModelError("holds a DagNN in which two layers make the same map")
    before = {
        index: [makers[name] for name in inputs if name in makers]
        for index, (_, inputs, _) in enumerate(steps)
    }
    if all(other < index for index, others in before.items() for other in others):
        return steps
    try:
        return [steps[index] for index in TopologicalSorter(before).static_order()]
    except CycleError:
        raise ModelError("holds a DagNN with a cycle of layers") from None


def _image(steps: list[_Step], image: str) -> str:
    """Return the one map that no layer makes."""
    made = {output for *_, output in steps}
    free = list(
        dict.fromkeys(name for _, inputs, _ in steps for name in inputs if name not in made)
    )
    if len(free) > 1:
        known = next((name for name in (image, *_IMAGES) if name in free), free[0])
        others = ", ".join(name for name in free if name != known)
        raise ModelError(f"holds a DagNN with further inputs beside the image {known}: {others}")
    if not free:
        raise ModelError("holds a DagNN that takes no image")
    return free[0]


def _as_simplenn(layer: _Struct, name: str, values: dict[str, Any]) -> _Struct:
    """Return a layer as the struct that a SimpleNN would have for it."""
    block = layer.get("block")
    fields = dict(block) if isinstance(block, dict) else {}
    if "poolSize" in fields:
        fields["pool"] = fields.pop("poolSize")
    for param in _names(layer.get("params")):
        if param not in values:
            raise ModelError(f"layer {name} needs the parameter {param!r}, which the file lacks")
    weights = [values[param] for param in _names(layer.get("params"))]
    kind = _KINDS.get(_kind(layer), str(layer.get("type", "")))
    return {**fields, "type": kind, "name": name, "weights": weights}
