"""Networks saved by MatConvNet: a SimpleNN `.mat` file to an `nn.Sequential`.

Vedaldi & Lenc, "MatConvNet: Convolutional neural networks for MATLAB" (ACM MM 2015). A
SimpleNN is a cell array `layers` of structs. Three generations of files differ:

| MatConvNet | weights of a convolution | mean image, classes | type of an LRN |
|---|---|---|---|
| up to beta11 | `filters`, `biases` (1 x n) | top level | `normalize` |
| beta12-16 | `weights` {filters, biases (1 x n)} | top level | `normalize` |
| since beta17 | `weights` {filters, biases (n x 1)} | in `meta` | `lrn` |

Some files wrap everything in a struct `net`. Filters are (height, width, input channels
per group, filters) and are correlated with the image, as torch does.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from preimage.models import mat_file
from preimage.models.architecture import Convolution, LayerSpec, Pooling, build
from preimage.models.errors import ModelError
from preimage.models.simplenn import read_layers
from preimage.models.zoo import Network

_VARIABLES = ("net", "layers", "meta", "normalization", "classes", "params", "vars")


@dataclass(frozen=True, slots=True)
class MatConvNetModel:
    """What a SimpleNN file holds.

    Attributes:
        network: the layers under their names, in evaluation mode, weights frozen.
        layers: the same as plain data.
        mean: the mean color of the training images, RGB 0..255, one value per channel of
            the image; None if the file has none.
        image_size: height and width of the image that the network was trained for.
        classes: names of the classes, comma-separated synonyms; may be empty.
        class_ids: their WordNet ids; may be empty.
    """

    network: nn.Sequential
    layers: tuple[LayerSpec, ...]
    mean: tuple[float, ...] | None
    image_size: tuple[int, int] | None
    classes: tuple[str, ...]
    class_ids: tuple[str, ...]


def read(path: str | os.PathLike[str]) -> MatConvNetModel:
    """The network in a SimpleNN file.

    Raises:
        ModelError: if the file is missing, damaged or holds something else than a
            SimpleNN, or if a layer is not supported.
    """
    variables: dict[str, Any] = mat_file.load(path, _VARIABLES)
    try:
        return _read(variables)
    except ModelError as error:
        raise ModelError(f"{os.fspath(path)}: {error}") from None


def check_architecture(model: MatConvNetModel, expected: Network) -> None:
    """Checks that a file holds the layers that the named network has.

    Dropout, padding and the constants of normalization may differ: they are read from
    the file.

    Raises:
        ModelError: if they differ.
    """
    wanted = [_describe(layer) for layer in expected.layers]
    found = [_describe(layer) for layer in model.layers if layer.kind != "dropout"]
    if found == wanted:
        return
    missing = "nothing"
    pairs = zip([*wanted, missing], [*found, missing], strict=False)
    want, have = next((want, have) for want, have in pairs if want != have)
    raise ModelError(
        f"a weight file of another network: where {expected.name} has {want}, it has {have}"
    )


def _describe(layer: LayerSpec) -> str:
    text = f"{layer.kind} {layer.name}"
    if isinstance(layer, Convolution | Pooling):
        (height, width), (down, across) = layer.kernel, layer.stride
        text += f" ({height} x {width}, stride {down} x {across})"
    if isinstance(layer, Convolution):
        text += f" to {layer.channels} channels in {layer.groups} group(s)"
    return text


def _read(variables: dict[str, Any]) -> MatConvNetModel:
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
    return MatConvNetModel(
        network=network.eval().requires_grad_(False),
        layers=tuple(specs),
        mean=_mean_color(normalization.get("averageImage"), channels),
        image_size=_size(normalization.get("imageSize"))
        or _size(_struct(meta.get("inputs")).get("size")),
        classes=_strings(classes.get("description")),
        class_ids=_strings(classes.get("name")),
    )


def _refuse_dagnn(variables: dict[str, Any]) -> None:
    layers = variables.get("layers")
    first = layers[0] if isinstance(layers, list) and layers else layers
    kind = str(_struct(first).get("type", ""))
    if "params" in variables or "block" in _struct(first) or kind.startswith("dagnn."):
        raise ModelError("holds a DagNN; only SimpleNN networks can be read")


def _struct(value: Any) -> dict[str, Any]:
    """A struct, the first of a struct array, or an empty one for anything else."""
    first = value[0] if isinstance(value, list) and value else value
    return first if isinstance(first, dict) else {}


def _mean_color(average: Any, channels: int) -> tuple[float, ...] | None:
    """The mean color of an image (H, W, D), (1, 1, D), or D values in a row or column."""
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
    """Height and width, the first two of two to four numbers."""
    if not isinstance(value, np.ndarray) or value.size < 2:
        return None
    height, width = value.ravel(order="F")[:2]
    if not (1 <= height < np.inf and 1 <= width < np.inf):
        raise ModelError(f"the image size cannot be {height} x {width}")
    return int(height), int(width)


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()
