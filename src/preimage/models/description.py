"""The description that users give of their own networks: preprocessing, classes, inputs, layers.

The keys are the attributes of `preimage.Preprocessing`, in units of 0..255 or of its `range`, and
`classes`, `inputs`, `scores` and `channel_axis`, see `preimage.models.loaded.Loaded`. By default
photos are resized bilinearly to 224 x 224 and normalized as for ImageNet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from preimage.models.errors import ModelError
from preimage.models.loaded import Loaded
from preimage.names import unknown
from preimage.preprocessing import Preprocessing

_DEFAULTS: dict[str, Any] = {
    "mean": (123.675, 116.28, 103.53),
    "std": (58.395, 57.12, 57.375),
    "resize": None,
    "size": (224, 224),
    "interpolation": "bilinear",
    "range": None,
    "bands": None,
    "classes": (),
    "inputs": {},
    "scores": None,
    "channel_axis": None,
}


def described(spec: str, network: nn.Module, given: Mapping[str, Any]) -> Loaded:
    """Return the network with all that `given` says about it.

    Raises:
        ModelError: if a key is unknown, or a value is invalid.
    """
    for key in given:
        if key not in _DEFAULTS:
            raise ModelError(unknown(f"setting of {spec}", str(key), _DEFAULTS))
    values = {**_DEFAULTS, **given}
    try:
        for key in ("mean", "std", "size", "classes"):
            values[key] = tuple(values[key])
        if values["range"] is not None and not {"mean", "std"} <= given.keys():
            raise ValueError("mean and std are in the units of range: give mean and std, too")
        classes = values.pop("classes")
        about = {key: values.pop(key) for key in ("inputs", "scores", "channel_axis")}
        _check(**about)
        about["inputs"] = dict(about["inputs"])
        return Loaded(network, Preprocessing(**values), classes, **about)
    except (TypeError, ValueError) as error:
        raise ModelError(f"{spec}: {error}") from None


def _check(*, inputs: Any, scores: Any, channel_axis: Any) -> None:
    """Raise a ValueError if what is said about inputs or layers makes no sense."""
    if not (isinstance(inputs, Mapping) and all(isinstance(key, str) for key in inputs)):
        raise ValueError(f"inputs must be a dict of keyword arguments, not {type(inputs).__name__}")
    if scores is not None and not isinstance(scores, str):
        raise ValueError(f"scores must be the name of a layer, not {type(scores).__name__}")
    axes = channel_axis if isinstance(channel_axis, Mapping) else {"": channel_axis}
    for layer, axis in axes.items():
        is_whole = isinstance(axis, int) and not isinstance(axis, bool)
        if not isinstance(layer, str) or not (is_whole or channel_axis is None):
            raise ValueError(
                "channel_axis must be a whole number, or a dict of whole numbers by the names of "
                f"layers, not {channel_axis!r}"
            )
