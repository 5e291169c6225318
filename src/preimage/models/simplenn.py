"""The layers of MatConvNet's networks, read from its structs as plain data and weights.

Fields that a struct lacks take MatConvNet's defaults. `stride`, `dilate` and `pool` are
one number or (vertical, horizontal), `pad` is one number or (top, bottom, left, right).
"""

from __future__ import annotations

from itertools import takewhile
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from preimage.models import architecture
from preimage.models.architecture import LayerSpec, Pair, Sides, channels_after
from preimage.models.errors import ModelError

_Struct = dict[str, Any]
_Floats = tuple[float, ...]

_Weights = dict[str, Tensor]

_LRN_DEFAULT = (5.0, 1.0, 0.0001 / 5, 0.75)
_LOSSES = ("loss", "pdist", "error")
_SUPPORTED = (
    "conv, convt, bnorm, relu, sigmoid, pool, lrn, normalize, dropout, softmax, softmaxloss, and "
    "in a DagNN concat, sum, scale and crop"
)
_WITHOUT_FIELDS: dict[str, type[architecture.Softmax | architecture.Sigmoid | architecture.Sum]] = {
    "softmax": architecture.Softmax,
    "softmaxloss": architecture.Softmax,
    "sigmoid": architecture.Sigmoid,
    "sum": architecture.Sum,
}


def read_layers(layers: list[_Struct]) -> tuple[list[LayerSpec], _Weights, int]:
    """Return a SimpleNN's layers, their weights by name, and the number of image channels.

    A layer without a name is called `layerN`, counted from 1. Losses at the end are left out, but
    for softmaxloss, of which the softmax is kept.

    Raises:
        ModelError: if a layer is not supported, or its fields contradict each other.
    """
    specs: list[LayerSpec] = []
    weights: _Weights = {}
    while layers and _text(layers[-1], "type") in _LOSSES:
        layers = layers[:-1]
    image_channels = channels = 0
    for number, layer in enumerate(layers, start=1):
        name = unique_name(layer, number, [spec.name for spec in specs])
        spec, own = read_layer(layer, name, [channels])
        if not channels:
            image_channels = channels = input_channels(spec, own)
        channels = channels_after(spec, [channels])
        weights |= own
        specs.append(spec)
    return specs, weights, image_channels or 3


def input_channels(spec: LayerSpec, weights: _Weights) -> int:
    """Return the number of channels that a layer with one group takes; 0 for any number."""
    match spec:
        case architecture.BatchNormalization():
            return spec.channels
        case architecture.TransposedConvolution():
            return weights[f"{spec.name}.weight"].shape[0]
        case architecture.Convolution():
            return weights[f"{spec.name}.weight"].shape[1]
        case _:
            return 0


def read_layer(layer: _Struct, name: str, channels: list[int]) -> tuple[LayerSpec, _Weights]:
    """Return a layer and its weights by name.

    Args:
        layer: a struct of MatConvNet.
        name: the layer's name.
        channels: the number of channels of each input; 0 for one that is not known.

    Raises:
        ModelError: if the layer is not supported, or its fields contradict each other.
    """
    match _text(layer, "type"):
        case "conv":
            filters, biases = _read_filters(layer, name)
            spec = _convolution(layer, name, filters, channels[0] or filters.shape[1])
            return spec, {f"{name}.weight": filters, f"{name}.bias": biases}
        case "convt":
            return _transposed(layer, name, channels[0])
        case "bnorm":
            return _batch_normalization(layer, name, channels[0])
        case "scale":
            return _scaling(layer, name, len(channels) - 1)
        case _:
            return _without_weights(layer, name), {}


def _without_weights(layer: _Struct, name: str) -> LayerSpec:
    match _text(layer, "type"):
        case "relu":
            return architecture.Rectifier(name, *_numbers(layer, "leak", (0.0,), name))
        case "dropout":
            return architecture.Dropout(name, *_numbers(layer, "rate", (0.5,), name))
        case kind if kind in _WITHOUT_FIELDS:
            return _WITHOUT_FIELDS[kind](name)
        case _:
            return _of_windows(layer, name)


def _of_windows(layer: _Struct, name: str) -> LayerSpec:
    match _text(layer, "type"):
        case "lrn" | "normalize":
            return _normalization(layer, name)
        case "pool":
            return _pooling(layer, name)
        case "concat":
            return _concatenation(layer, name)
        case "crop":
            top, left = _integers(layer, "crop", (0, 0), name)
            return architecture.Crop(name, (top, left))
        case kind:
            raise ModelError(
                f"layer {name} is of the type {kind!r}, which is not supported ({_SUPPORTED} are)"
            )


def _transposed(layer: _Struct, name: str, channels: int) -> tuple[LayerSpec, _Weights]:
    """Read a transposed convolution, whose filters are (H, W, output channels per group, D)."""
    filters, offsets = _filters_and_biases(layer, name)
    shape = filters.shape + (1,) * (4 - filters.ndim)
    if len(shape) != 4 or (channels and shape[3] != channels):
        raise ModelError(
            f"layer {name} has filters of the shape {filters.shape}, which do not fit an input of "
            f"{channels} channels"
        )
    (groups,) = _integers(layer, "numGroups", (1,), name)
    count = shape[2] * groups
    if offsets.size not in (0, count) or shape[3] % groups:
        raise ModelError(
            f"layer {name} has filters of the shape {filters.shape} in {groups} group(s) and "
            f"{offsets.size} biases"
        )
    top, bottom, left, right = _integers(layer, "crop", (0, 0, 0, 0), name)
    spec = architecture.TransposedConvolution(
        name, shape[:2], count, _pair(layer, "upsample", name), (top, bottom, left, right), groups
    )
    biases = offsets if offsets.size else np.zeros(count)
    own = {"weight": filters.reshape(shape).transpose(3, 2, 0, 1), "bias": biases}
    return spec, {f"{name}.{key}": _single(values, name) for key, values in own.items()}


def _batch_normalization(layer: _Struct, name: str, channels: int) -> tuple[LayerSpec, _Weights]:
    """Read multipliers and biases, and for each channel its mean and its deviation."""
    multipliers, biases, moments = (_arrays(layer) + [np.zeros(0)] * 3)[:3]
    count = multipliers.size
    if not count or (biases.size, moments.size) != (count, 2 * count) or channels not in (0, count):
        raise ModelError(
            f"layer {name} holds {count} multipliers, {biases.size} biases and {moments.size} "
            f"moments, which do not fit an input of {channels or count} channels"
        )
    mean, deviation = moments.reshape(count, 2, order="F").T.astype(np.float64)
    if not (deviation > 0).all():
        raise ModelError(f"layer {name} holds deviations that are not positive: was it trained?")
    own = {
        "weight": multipliers.ravel(),
        "bias": biases.ravel(),
        "running_mean": mean,
        "running_var": deviation**2,
    }
    weights = {f"{name}.{key}": _single(values, name) for key, values in own.items()}
    weights[f"{name}.num_batches_tracked"] = torch.tensor(0)
    return architecture.BatchNormalization(name, count), weights


def _scaling(layer: _Struct, name: str, given: int) -> tuple[LayerSpec, _Weights]:
    """Read the multipliers and biases that are not among the `given` inputs after the first."""
    arrays = _arrays(layer)
    expected = 2 if np.all(layer.get("hasBias", True)) else 1
    if given + len(arrays) != expected or any(not 1 <= a.ndim <= 4 for a in arrays):
        raise ModelError(
            f"layer {name} has {given} inputs and {len(arrays)} parameters to scale with, not "
            f"{expected} in all"
        )
    missing: list[np.ndarray | None] = [None] * given
    found = [*missing, *(_volume(array) for array in arrays)]
    multipliers, biases = [*found, None][:2]
    weights = {"weight": multipliers, "bias": biases}
    own = {f"{name}.{k}": _single(v, name) for k, v in weights.items() if v is not None}
    shapes = [None if values is None else values.shape for values in (multipliers, biases)]
    return architecture.Scaling(name, *shapes), own


def _volume(values: np.ndarray) -> np.ndarray:
    """Return an array (H, W, D), whose last axes MATLAB may have dropped, as (D, H, W)."""
    shape = (*values.shape, 1, 1, 1)[:3]
    return values.reshape(shape).transpose(2, 0, 1)


def _concatenation(layer: _Struct, name: str) -> LayerSpec:
    (axis,) = _integers(layer, "dim", (1,), name) if "dim" in layer else (3,)
    if axis > 3:
        raise ModelError(f"layer {name} joins images; only channels, rows and columns can be")
    return architecture.Concatenation(name, {1: 2, 2: 3, 3: 1}[axis])


def _convolution(
    layer: _Struct, name: str, filters: Tensor, channels: int
) -> architecture.Convolution:
    count, inputs, height, width = filters.shape
    groups = channels // inputs
    if groups * inputs != channels or count % groups:
        raise ModelError(
            f"layer {name} has {count} filters of {inputs} channels, which do not fit an input "
            f"of {channels} channels"
        )
    stride, dilation = _pair(layer, "stride", name), _pair(layer, "dilate", name)
    sides = _sides(layer, name)
    return architecture.Convolution(name, (height, width), count, stride, sides, dilation, groups)


def _normalization(layer: _Struct, name: str) -> LayerSpec:
    size, kappa, alpha, beta = _numbers(layer, "param", _LRN_DEFAULT, name)
    if size % 1 or size < 1:
        raise ModelError(f"layer {name}: the window of a normalization cannot be {size}")
    return architecture.Normalization(name, int(size), kappa, alpha, beta)


def _pooling(layer: _Struct, name: str) -> LayerSpec:
    if "pool" not in layer:
        raise ModelError(f"layer {name} holds no window size (pool)")
    kernel, stride = _pair(layer, "pool", name), _pair(layer, "stride", name)
    match _text(layer, "method") or "max":
        case "max" | "avg" as method:
            return architecture.Pooling(name, kernel, stride, _sides(layer, name), method)
        case method:
            raise ModelError(f"layer {name} pools by {method!r}; only max and avg are supported")


def _filters_and_biases(layer: _Struct, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return filters as they are stored, and biases (K,); empty if the file has none."""
    filters, biases = (_arrays(layer) + [np.zeros(0)] * 2)[:2]
    if filters.size == 0:
        raise ModelError(f"layer {name} holds no filters")
    return filters, biases.ravel()


def _arrays(layer: _Struct) -> list[np.ndarray]:
    """Return the weights of a layer up to the first one that is missing, as they are stored."""
    given = layer.get("weights", [layer.get("filters"), layer.get("biases")])
    arrays = given if isinstance(given, list) else []
    return list(takewhile(lambda item: isinstance(item, np.ndarray), arrays))


def _read_filters(layer: _Struct, name: str) -> tuple[Tensor, Tensor]:
    """Return filters (K, C, H, W) and biases (K,), which are zero if the file has none."""
    filters, offsets = _filters_and_biases(layer, name)
    filters = _four_axes(filters, offsets.size, name)
    if offsets.size == 0:
        offsets = np.zeros(filters.shape[3])
    return _single(filters.transpose(3, 2, 0, 1), name), _single(offsets, name)


def _single(values: np.ndarray, name: str) -> Tensor:
    with np.errstate(over="ignore", invalid="ignore"):
        single = np.array(values, dtype=np.float32, order="C")
    if not np.isfinite(single).all():
        raise ModelError(f"layer {name} holds weights that are not finite")
    return torch.from_numpy(single)


def _four_axes(filters: np.ndarray, biases: int, name: str) -> np.ndarray:
    """Restore axes of length 1 that MATLAB or squeezing dropped; return filters (H, W, C, K).

    MATLAB drops trailing axes: (H, W, C) is one filter. Squeezing drops any axis: if the last axis
    is as long as there are biases, (C, K) are 1 x 1 filters and (H, W, K) filters of one channel.
    """
    shape = filters.shape
    candidates = [shape + (1,) * (4 - len(shape))]
    if len(shape) == 2:
        candidates.append((1, 1, *shape))
    if len(shape) == 3:
        candidates.append((*shape[:2], 1, shape[2]))
    for candidate in candidates:
        if len(candidate) == 4 and biases in (0, candidate[3]):
            return filters.reshape(candidate)
    raise ModelError(f"layer {name} has filters of the shape {shape} and {biases} biases")


def unique_name(layer: _Struct, number: int, taken: list[str]) -> str:
    """Return the layer's name as torch allows it: without periods, and no name twice."""
    name = (_text(layer, "name") or f"layer{number}").replace(".", "_")
    while name in taken or hasattr(nn.Sequential(), name):
        name += "_"
    return name


def _pair(layer: _Struct, key: str, name: str) -> Pair:
    vertical, horizontal = _integers(layer, key, (1, 1), name)
    return vertical, horizontal


def _sides(layer: _Struct, name: str) -> Sides:
    top, bottom, left, right = _integers(layer, "pad", (0, 0, 0, 0), name)
    return top, bottom, left, right


def _integers(layer: _Struct, key: str, default: tuple[int, ...], name: str) -> tuple[int, ...]:
    """Return a field as integers, each at least its default; a single number stands for all."""
    value = layer.get(key)
    single = isinstance(value, np.ndarray) and value.size == 1
    numbers = _numbers(layer, key, default[:1] if single else default, name)
    if any(number % 1 or number < least for number, least in zip(numbers, default, strict=False)):
        raise ModelError(f"layer {name}: {key} cannot be {numbers}")
    return tuple(int(number) for number in numbers) * (len(default) if single else 1)


def _numbers(layer: _Struct, key: str, default: _Floats, name: str) -> _Floats:
    """Return a field as numbers, as many as the default has."""
    value = layer.get(key)
    if value is None or np.size(value) == 0:
        return default
    is_array = isinstance(value, np.ndarray) and value.size == len(default)
    if not (is_array and np.isfinite(value).all()):
        raise ModelError(f"layer {name}: {key} must be {len(default)} number(s)")
    return tuple(float(number) for number in value.ravel(order="F"))


def _text(layer: _Struct, key: str) -> str:
    return value if isinstance(value := layer.get(key), str) else ""
