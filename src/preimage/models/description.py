"""The description that users give of their own networks: preprocessing, classes, inputs.

The keys are the attributes of `preimage.Preprocessing`, in units of 0..255 or of its `range`,
`classes`, and `inputs`, further inputs of the network's `forward` by keyword. By default photos are
resized bilinearly to 224 x 224 and normalized as for ImageNet.
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
        classes, inputs = values.pop("classes"), values.pop("inputs")
        if not (isinstance(inputs, Mapping) and all(isinstance(key, str) for key in inputs)):
            raise ValueError(
                f"inputs must be a dict of keyword arguments, not {type(inputs).__name__}"
            )
        return Loaded(network, Preprocessing(**values), classes, inputs=dict(inputs))
    except (TypeError, ValueError) as error:
        raise ModelError(f"{spec}: {error}") from None
