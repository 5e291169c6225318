"""Networks saved by MatConvNet as `.mat` files: chains (SimpleNN) and graphs (DagNN).

Vedaldi & Lenc, "MatConvNet: Convolutional neural networks for MATLAB" (ACM MM 2015). A
SimpleNN is a cell array `layers` of structs; for a DagNN see `preimage.models.dagnn`. Three
generations of SimpleNN files differ:

| MatConvNet | weights of a convolution | mean image, classes | type of an LRN |
|---|---|---|---|
| up to beta11 | `filters`, `biases` (1 x n) | top level | `normalize` |
| beta12-16 | `weights` {filters, biases (1 x n)} | top level | `normalize` |
| since beta17 | `weights` {filters, biases (n x 1)} | in `meta` | `lrn` |

Some files wrap everything in a struct `net`. Filters are (height, width, input channels
per group, filters) and are correlated with the image, as in torch.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from preimage.models import graph, mat_file
from preimage.models.architecture import Convolution, LayerSpec, Pooling
from preimage.models.dagnn import read_graph
from preimage.models.errors import ModelError
from preimage.models.layers import build
from preimage.models.loaded import Loaded
from preimage.models.simplenn import read_layers
from preimage.models.state_dicts import fixed_seed
from preimage.preprocessing import Preprocessing

_VARIABLES = ("net", "layers", "meta", "normalization", "classes", "params", "vars")
_IMAGENET_MEAN = (123.68, 116.779, 103.939)


@dataclass(frozen=True, slots=True)
class NetworkFile:
    """The contents of a file.

    Attributes:
        module: the layers under their names.
        layers: the same layers as plain data, in the order of a pass.
        channels: the number of channels of the image.
        mean: the mean color of the training images, RGB 0..255, one value per channel of
            the image; None if the file has none.
        image_size: height and width of the training images; None if the file has none.
        classes: names of the classes, see `Loaded`.
    """

    module: nn.Module
    layers: tuple[LayerSpec, ...]
    channels: int
    mean: tuple[float, ...] | None
    image_size: tuple[int, int] | None
    classes: tuple[str, ...]


def load(
    path: str | os.PathLike[str], name: str = "", expected: Sequence[LayerSpec] = ()
) -> Loaded:
    """Load the network in a file.

    If the file has no mean color, ImageNet's is used, or 127.5 unless images are RGB, after a
    warning. If `expected` layers are given, the file must hold them. Errors call their network
    `name`.

    Raises:
        ModelError: as `read`, and if the file holds another network than the expected one.
    """
    found = read(path)
    if expected:
        try:
            check_layers(found.layers, expected, name)
        except ModelError as error:
            raise ModelError(f"{os.fspath(path)}: {error}") from None
    mean = found.mean
    if mean is None:
        mean = _IMAGENET_MEAN if found.channels == 3 else (127.5,) * found.channels
        text = ", ".join(map(str, mean))
        warnings.warn(f"{os.fspath(path)}: holds no mean image: {text} is taken", stacklevel=2)
    preprocessing = Preprocessing(mean=mean, size=found.image_size)
    return Loaded(found.module, preprocessing, found.classes)


def untrained(layers: Sequence[LayerSpec], image_size: tuple[int, int]) -> Loaded:
    """Return a network of these layers with random weights from a fixed seed."""
    with fixed_seed():
        module = build(layers)
    return Loaded(module, Preprocessing(mean=_IMAGENET_MEAN, size=image_size))


def read(path: str | os.PathLike[str]) -> NetworkFile:
    """Read a file.

    Raises:
        ModelError: if the file is missing, damaged or of another kind, or a layer is not supported.
    """
    variables: dict[str, Any] = mat_file.load(path, _VARIABLES)
    try:
        return _read(variables)
    except ModelError as error:
        raise ModelError(f"{os.fspath(path)}: {error}") from None


def check_layers(found: Sequence[LayerSpec], expected: Sequence[LayerSpec], name: str) -> None:
    """Raise a `ModelError` unless a file holds the layers of the network `name`.

    Dropout, padding and the constants of normalization may differ: they are read from the file.
    """
    wanted = [_describe(layer) for layer in expected]
    given = [_describe(layer) for layer in found if layer.kind != "dropout"]
    if given == wanted:
        return
    pairs = zip([*wanted, "nothing"], [*given, "nothing"], strict=False)
    want, have = next((want, have) for want, have in pairs if want != have)
    raise ModelError(f"a weight file of another network: where {name} has {want}, it has {have}")


def _describe(layer: LayerSpec) -> str:
    text = f"{layer.kind} {layer.name}"
    if isinstance(layer, Convolution | Pooling):
        (height, width), (down, across) = layer.kernel, layer.stride
        text += f" ({height} x {width}, stride {down} x {across})"
    if isinstance(layer, Convolution):
        text += f" to {layer.channels} channels in {layer.groups} group(s)"
    return text


def _read(variables: dict[str, Any]) -> NetworkFile:
    net = variables.get("net")
    if "layers" not in variables and isinstance(net, dict):
        variables = net
    layers = _structs(variables.get("layers"))
    if any(name in variables and variables[name] is None for name in ("net", "layers")):
        raise ModelError("holds a MATLAB object: save the struct net.saveobj() instead")
    if not layers:
        raise ModelError("holds no network of MatConvNet (an array `layers` of structs)")
    meta = _struct(variables.get("meta"))
    inputs = _struct(meta.get("inputs"))
    if "params" in variables or any("block" in layer for layer in layers):
        nodes, weights, image, channels = read_graph(
            layers, _structs(variables.get("params")), str(inputs.get("name", ""))
        )
        specs = [node.layer for node in nodes]
        build_network: Callable[[], nn.Module] = partial(graph.build, nodes, image, channels)
    else:
        specs, weights, channels = read_layers(layers)
        build_network = partial(build, specs, channels)
    with torch.device("meta"):
        network = build_network()
    network.load_state_dict(weights, assign=True)
    normalization = _struct(meta.get("normalization", variables.get("normalization")))
    return NetworkFile(
        module=network.eval().requires_grad_(False),
        layers=tuple(specs),
        channels=channels,
        mean=_mean_color(normalization.get("averageImage"), channels),
        image_size=_size(normalization.get("imageSize"))
        or _size(inputs.get("size"))
        or _size(meta.get("inputSize")),
        classes=_classes(meta.get("classes", variables.get("classes"))),
    )


def _classes(value: Any) -> tuple[str, ...]:
    """Return the descriptions of the classes, or else their names."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    classes = _struct(value)
    return _strings(classes.get("description")) or _strings(classes.get("name"))


def _structs(value: Any) -> list[dict[str, Any]]:
    """Return the structs of an array, or the one that stands for it; none for anything else."""
    structs = [value] if isinstance(value, dict) else value
    is_array = isinstance(structs, list) and all(isinstance(item, dict) for item in structs)
    return structs if is_array else []


def _struct(value: Any) -> dict[str, Any]:
    """Return a struct, or the first of a struct array; an empty one for anything else."""
    first = value[0] if isinstance(value, list) and value else value
    return first if isinstance(first, dict) else {}


def _mean_color(average: Any, channels: int) -> tuple[float, ...] | None:
    """Return the mean color in `average`: an image (H, W, D), or D values in any shape."""
    if not isinstance(average, np.ndarray) or average.size == 0:
        return None
    if average.size in (1, channels):
        colors = np.broadcast_to(average.ravel(), channels)
    else:
        image = average[:, :, None] if average.ndim == 2 else average
        if image.ndim != 3 or image.shape[2] != channels:
            raise ModelError(
                f"the mean image has the shape {average.shape}, which does not fit an image "
                f"of {channels} channels"
            )
        colors = image.mean((0, 1), dtype=np.float64)
    if not np.isfinite(colors).all():
        raise ModelError("the mean image holds values that are not finite")
    return tuple(float(color) for color in colors)


def _size(value: Any) -> tuple[int, int] | None:
    """Return height and width, the first two of two to four numbers."""
    if not isinstance(value, np.ndarray) or value.size < 2:
        return None
    height, width = value.ravel(order="F")[:2]
    if not (1 <= height < np.inf and 1 <= width < np.inf):
        raise ModelError(f"the image size cannot be {height} x {width}")
    return int(height), int(width)


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()
