"""Networks saved by MatConvNet as SimpleNN `.mat` files.

Vedaldi & Lenc, "MatConvNet: Convolutional neural networks for MATLAB" (ACM MM 2015). A
SimpleNN is a cell array `layers` of structs. Three generations of files differ:

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
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from preimage.models import mat_file
from preimage.models.architecture import Convolution, LayerSpec, Pooling
from preimage.models.errors import ModelError
from preimage.models.layers import build
from preimage.models.loaded import Loaded
from preimage.models.simplenn import read_layers
from preimage.models.state_dicts import fixed_seed
from preimage.preprocessing import Preprocessing

_VARIABLES = ("net", "layers", "meta", "normalization", "classes", "params", "vars")
_IMAGENET_MEAN = (123.68, 116.779, 103.939)


@dataclass(frozen=True, slots=True)
class SimpleNN:
    """The contents of a SimpleNN file.

    Attributes:
        module: the layers under their names.
        layers: the same layers as plain data.
        mean: the mean color of the training images, RGB 0..255, one value per channel of
            the image; None if the file has none.
        image_size: height and width of the training images; None if the file has none.
        classes: names of the classes, see `Loaded`.
    """

    module: nn.Sequential
    layers: tuple[LayerSpec, ...]
    mean: tuple[float, ...] | None
    image_size: tuple[int, int] | None
    classes: tuple[str, ...]


def load(
    path: str | os.PathLike[str], name: str = "", expected: Sequence[LayerSpec] = ()
) -> Loaded:
    """Load the network in a SimpleNN file; if it has no mean color, ImageNet's is used.

    If `expected` layers are given, the file must hold them. Errors call their network `name`.

    Raises:
        ModelError: as `read`, and if the file holds another network than the expected one.
    """
    found = read(path)
    if expected:
        try:
            check_layers(found.layers, expected, name)
        except ModelError as error:
            raise ModelError(f"{os.fspath(path)}: {error}") from None
    preprocessing = Preprocessing(mean=found.mean or _IMAGENET_MEAN, size=found.image_size)
    return Loaded(found.module, preprocessing, found.classes)


def untrained(layers: Sequence[LayerSpec], image_size: tuple[int, int]) -> Loaded:
    """Return a network of these layers with random weights from a fixed seed."""
    with fixed_seed():
        module = build(layers)
    return Loaded(module, Preprocessing(mean=_IMAGENET_MEAN, size=image_size))


def read(path: str | os.PathLike[str]) -> SimpleNN:
    """Read a SimpleNN file.

    Raises:
        ModelError: if the file is missing, damaged or no SimpleNN, or a layer is not supported.
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


def _read(variables: dict[str, Any]) -> SimpleNN:
    net = variables.get("net")
    if "layers" not in variables and isinstance(net, dict):
        variables = net
    _refuse_dagnn(variables)
    layers = variables.get("layers")
    if not (isinstance(layers, list) and layers and all(isinstance(x, dict) for x in layers)):
        raise ModelError("holds no SimpleNN network (a cell array `layers` of structs)")
    specs, weights, channels = read_layers(layers)
    with torch.device("meta"):
        network = build(specs, channels)
    network.load_state_dict(weights, assign=True)
    meta = _struct(variables.get("meta"))
    normalization = _struct(meta.get("normalization", variables.get("normalization")))
    classes = _struct(meta.get("classes", variables.get("classes")))
    return SimpleNN(
        module=network.eval().requires_grad_(False),
        layers=tuple(specs),
        mean=_mean_color(normalization.get("averageImage"), channels),
        image_size=_size(normalization.get("imageSize"))
        or _size(_struct(meta.get("inputs")).get("size")),
        classes=_strings(classes.get("description")),
    )


def _refuse_dagnn(variables: dict[str, Any]) -> None:
    layers = variables.get("layers")
    first = layers[0] if isinstance(layers, list) and layers else layers
    kind = str(_struct(first).get("type", ""))
    if "params" in variables or "block" in _struct(first) or kind.startswith("dagnn."):
        raise ModelError("holds a DagNN; only SimpleNN networks can be read")


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
