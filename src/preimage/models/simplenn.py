"""The layers of a SimpleNN, read from MatConvNet's structs as plain data and weights.

Fields that a struct lacks take MatConvNet's defaults. `stride`, `dilate` and `pool` are
one number or (vertical, horizontal), `pad` is one number or (top, bottom, left, right).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from preimage.models import architecture
from preimage.models.architecture import LayerSpec, Pair, Sides
from preimage.models.errors import ModelError

_Struct = dict[str, Any]
_Floats = tuple[float, ...]

_LRN_DEFAULT = (5.0, 1.0, 0.0001 / 5, 0.75)
_SUPPORTED = "conv, relu, pool, lrn, normalize, dropout, softmax and softmaxloss"


def read_layers(layers: list[_Struct]) -> tuple[list[LayerSpec], dict[str, Tensor], int]:
    """Return a SimpleNN's layers, their weights by name, and the number of image channels.

    A layer without a name is called `layerN`, counted from 1.

    Raises:
        ModelError: if a layer is not supported, or its fields contradict each other.
    """
    specs: list[LayerSpec] = []
    weights: dict[str, Tensor] = {}
    image_channels = channels = 0
    for number, layer in enumerate(layers, start=1):
        name = _unique_name(layer, number, [spec.name for spec in specs])
        if _text(layer, "type") != "conv":
            specs.append(_other(layer, name))
            continue
        filters, biases = _read_weights(layer, name)
        image_channels = image_channels or filters.shape[1]
        convolution = _convolution(layer, name, filters, channels or image_channels)
        channels = convolution.channels
        weights |= {f"{name}.weight": filters, f"{name}.bias": biases}
        specs.append(convolution)
    return specs, weights, image_channels or 3


def _other(layer: _Struct, name: str) -> LayerSpec:
    """Read a layer without weights."""
    match _text(layer, "type"):
        case "relu":
            return architecture.Rectifier(name, *_numbers(layer, "leak", (0.0,), name))
        case "lrn" | "normalize":
            return _normalization(layer, name)
        case "pool":
            return _pooling(layer, name)
        case "dropout":
            return architecture.Dropout(name, *_numbers(layer, "rate", (0.5,), name))
        case "softmax" | "softmaxloss":
            return architecture.Softmax(name)
        case kind:
            raise ModelError(
                f"layer {name} is of the type {kind!r}, which is not supported ({_SUPPORTED} are)"
            )


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


def _read_weights(layer: _Struct, name: str) -> tuple[Tensor, Tensor]:
    """Return filters (K, C, H, W) and biases (K,), which are zero if the file has none."""
    pair = layer.get("weights", [layer.get("filters"), layer.get("biases")])
    filters, biases = [*pair, None, None][:2] if isinstance(pair, list) else (None, None)
    if not isinstance(filters, np.ndarray) or filters.size == 0:
        raise ModelError(f"layer {name} holds no filters")
    offsets = biases.ravel() if isinstance(biases, np.ndarray) else np.zeros(0)
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


def _unique_name(layer: _Struct, number: int, taken: list[str]) -> str:
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
