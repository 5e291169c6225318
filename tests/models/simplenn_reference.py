"""Layers of SimpleNN and DagNN computed in NumPy, in float64, from MATLAB's structs and the manual.

Nothing here shares code or conventions with `preimage.models`: images are (H, W, C).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def run(layers: list[dict[str, Any]], image: np.ndarray) -> dict[str, np.ndarray]:
    """The output (H', W', C) of every layer, by name."""
    outputs: dict[str, np.ndarray] = {}
    x = image.astype(np.float64)
    for layer in layers:
        x = _COMPUTE[layer["type"]](layer, x)
        outputs[layer["name"]] = x
    return outputs


def run_graph(tree: dict[str, Any], image: np.ndarray, name: str) -> dict[str, np.ndarray]:
    """The output (H', W', C) of every layer of a DagNN, by name, for the map `name`."""
    values = {param["name"]: param["value"] for param in tree["params"]}
    maps, outputs = {name: image.astype(np.float64)}, {}
    waiting = [layer for layer in tree["layers"] if "Loss" not in layer["type"]]
    while waiting:
        layer = next(x for x in waiting if all(name in maps for name in x["inputs"]))
        waiting = [other for other in waiting if other is not layer]
        inputs = [maps[name] for name in layer["inputs"]]
        struct = layer["block"] | {"weights": [values[name] for name in layer["params"]]}
        y = _BLOCKS[layer["type"].removeprefix("dagnn.")](struct, *inputs)
        outputs[layer["name"]] = maps[layer["outputs"][0]] = y
    return outputs


def normalize_batch(layer: dict[str, Any], x: np.ndarray) -> np.ndarray:
    multipliers, biases, moments = (np.asarray(w, np.float64) for w in layer["weights"])
    y = np.empty_like(x)
    for k in range(x.shape[2]):
        g, b = multipliers.flat[k], biases.flat[k]
        y[:, :, k] = g * (x[:, :, k] - moments[k, 0]) / moments[k, 1] + b
    return y


def convolve_transposed(layer: dict[str, Any], x: np.ndarray) -> np.ndarray:
    """Add one window to the result for each value of the input, as the manual describes."""
    filters, biases = layer["weights"]
    down, across = _repeat(layer.get("upsample", 1), 2)
    top, bottom, left, right = _repeat(layer.get("crop", 0), 4)
    groups = int(np.ravel(layer.get("numGroups", 1))[0])
    height, width, count, depth = filters.shape
    rows, columns = down * (x.shape[0] - 1) + height, across * (x.shape[1] - 1) + width
    y = np.zeros((rows, columns, count * groups))
    for i, j, k in np.ndindex(x.shape):
        group = k // (depth // groups)
        outputs = slice(group * count, (group + 1) * count)
        window = y[i * down : i * down + height, j * across : j * across + width, outputs]
        window += x[i, j, k] * filters[:, :, :, k]
    y += np.ravel(biases)
    return y[top : rows - bottom, left : columns - right]


def crop(layer: dict[str, Any], x: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Crop at the bottom and right what is left over after a base amount."""
    spare = [have - want for have, want in zip(x.shape[:2], like.shape[:2], strict=True)]
    base = _repeat(layer["crop"], 2)
    after = [max(0, more - amount) for more, amount in zip(spare, base, strict=True)]
    (top, left), (down, right) = [m - a for m, a in zip(spare, after, strict=True)], after
    return x[top : x.shape[0] - down, left : x.shape[1] - right]


def scale(layer: dict[str, Any], x: np.ndarray, *given: np.ndarray) -> np.ndarray:
    factors = [*given, *(np.asarray(w, np.float64) for w in layer["weights"])]
    return x * factors[0] + (factors[1] if len(factors) > 1 else 0.0)


def convolve(layer: dict[str, Any], x: np.ndarray) -> np.ndarray:
    given = layer.get("weights") or (layer["filters"], layer["biases"])
    filters, biases = (*given, np.zeros(1))[:2]
    down, across = _repeat(layer.get("stride", 1), 2)
    dilate_y, dilate_x = _repeat(layer.get("dilate", 1), 2)
    height, width, channels, count = filters.shape
    reach = ((height - 1) * dilate_y + 1, (width - 1) * dilate_x + 1)
    windows = sliding_window_view(_pad(layer, x, 0.0), reach, (0, 1))
    windows = windows[::down, ::across, :, ::dilate_y, ::dilate_x]
    groups = x.shape[2] // channels
    share = count // groups
    parts = [
        np.tensordot(
            windows[:, :, group * channels : (group + 1) * channels],
            filters[..., group * share : (group + 1) * share].astype(np.float64),
            axes=((3, 4, 2), (0, 1, 2)),
        )
        for group in range(groups)
    ]
    return np.concatenate(parts, 2) + np.ravel(biases)


def pool(layer: dict[str, Any], x: np.ndarray) -> np.ndarray:
    down, across = _repeat(layer.get("stride", 1), 2)
    fill = {"max": -np.inf, "avg": np.nan}[layer.get("method", "max")]
    windows = sliding_window_view(_pad(layer, x, fill), _repeat(layer["pool"], 2), (0, 1))
    reduce = np.max if fill < 0 else np.nanmean
    pooled: np.ndarray = reduce(windows[::down, ::across], axis=(3, 4))
    return pooled


def normalize(layer: dict[str, Any], x: np.ndarray) -> np.ndarray:
    size, kappa, alpha, beta = layer["param"].ravel()
    y = np.empty_like(x)
    for k in range(x.shape[2]):
        first = max(k - int((size - 1) // 2), 0)
        last = min(k + int(np.ceil((size - 1) / 2)), x.shape[2] - 1)
        energy = (x[:, :, first : last + 1] ** 2).sum(2)
        y[:, :, k] = x[:, :, k] / (kappa + alpha * energy) ** beta
    return y


def rectify(layer: dict[str, Any], x: np.ndarray) -> np.ndarray:
    leak = float(np.ravel(layer.get("leak", 0.0))[0])
    return np.where(x > 0, x, leak * x)


def softmax(layer: dict[str, Any], x: np.ndarray) -> np.ndarray:
    powers = np.exp(x - x.max(2, keepdims=True))
    return powers / powers.sum(2, keepdims=True)


def _pad(layer: dict[str, Any], x: np.ndarray, fill: float) -> np.ndarray:
    top, bottom, left, right = _repeat(layer.get("pad", 0), 4)
    return np.pad(x, ((top, bottom), (left, right), (0, 0)), constant_values=fill)


def _repeat(value: Any, count: int) -> tuple[int, ...]:
    values = [int(v) for v in np.ravel(value)]
    return tuple(values * (count if len(values) == 1 else 1))


_COMPUTE: dict[str, Callable[..., np.ndarray]] = {
    "conv": convolve,
    "pool": pool,
    "lrn": normalize,
    "normalize": normalize,
    "relu": rectify,
    "softmax": softmax,
    "softmaxloss": softmax,
    "dropout": lambda layer, x: x,
}

_COMPUTE |= {
    "bnorm": normalize_batch,
    "convt": convolve_transposed,
    "sigmoid": lambda layer, x: 1 / (1 + np.exp(-x)),
}

_BLOCKS: dict[str, Callable[..., np.ndarray]] = {
    "Conv": convolve,
    "ConvTranspose": convolve_transposed,
    "BatchNorm": normalize_batch,
    "Scale": scale,
    "Pooling": lambda layer, x: pool(layer | {"pool": layer["poolSize"]}, x),
    "ReLU": rectify,
    "Sigmoid": _COMPUTE["sigmoid"],
    "LRN": normalize,
    "SoftMax": softmax,
    "DropOut": lambda layer, x: x,
    "Sum": lambda layer, *maps: np.sum(maps, 0),
    "Concat": lambda layer, *maps: np.concatenate(maps, int(np.ravel(layer["dim"])[0]) - 1),
    "Crop": crop,
}
