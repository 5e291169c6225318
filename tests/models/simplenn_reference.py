"""SimpleNN layers computed in NumPy, in float64, from MATLAB's structs and the manual.

Nothing here shares code or conventions with `preimage.models`: images are (H, W, C).
"""

from __future__ import annotations

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


def convolve(layer: dict[str, Any], x: np.ndarray) -> np.ndarray:
    filters, biases = layer.get("weights") or (layer["filters"], layer["biases"])
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
    return np.concatenate(parts, 2) + biases.ravel()


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


_COMPUTE = {
    "conv": convolve,
    "pool": pool,
    "lrn": normalize,
    "normalize": normalize,
    "relu": rectify,
    "softmax": softmax,
    "softmaxloss": softmax,
    "dropout": lambda layer, x: x,
}
