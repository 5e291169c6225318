"""Networks from elsewhere: torchvision, timm, or the user's own code.

    torchvision:resnet50               a classification network of torchvision
    timm:vit_small_patch16_224         a network of timm, with a tag or without
    import:package.module.factory      what package.module.factory() returns; the module is
                                       looked for in the current folder first

Each comes with the preprocessing that its own metadata prescribes. Nothing is downloaded
by `load_source`; `fetch_source` does that.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from torch import nn

from preimage.models.errors import ModelError
from preimage.models.loaded import SourceModel
from preimage.models.state_dicts import RANDOM, fixed_seed, load_weights, read_state_dict
from preimage.models.timm_source import fetch_timm, load_timm
from preimage.models.torchvision_source import fetch_torchvision, load_torchvision
from preimage.names import unknown

SOURCES = ("torchvision", "timm", "import")

_IMPORT_DEFAULTS: dict[str, Any] = {
    "mean": (123.675, 116.28, 103.53),
    "std": (58.395, 57.12, 57.375),
    "resize": None,
    "size": (224, 224),
    "interpolation": "bilinear",
    "classes": (),
}


def load_source(spec: str, weights: str | Path | None = None) -> SourceModel:
    """The network that `spec` names, with its preprocessing and class names.

    Args:
        spec: SOURCE:MODEL, see the module.
        weights: a file (safetensors, or a torch state dict), "random" for untrained weights
            from a fixed seed, or None: for torchvision and timm their pretrained weights out
            of the user's cache, for an import path what the factory returns.

    Raises:
        ModelError: if the source or the model is unknown, the library is not installed, the
            weights are not in the cache, or the file cannot be used.

    >>> load_source("torchvisoin:resnet50")
    Traceback (most recent call last):
    preimage.models.errors.ModelError: unknown source 'torchvisoin': did you mean 'torchvision'?
    """
    source, name = _split(spec)
    if source == "torchvision":
        return load_torchvision(name, weights)
    if source == "timm":
        return load_timm(name, weights)
    return _load_import(name, weights)


def fetch_source(spec: str, progress: bool = True) -> Path:
    """Download the pretrained weights of `spec` into the cache of its library.

    Args:
        spec: torchvision:MODEL or timm:MODEL.
        progress: show a progress bar on the standard error.

    Returns:
        the file in the cache; where it was there already, nothing is downloaded.

    Raises:
        ModelError: if the model is unknown, has no pretrained weights, or the download fails.
    """
    source, name = _split(spec)
    if source == "torchvision":
        return fetch_torchvision(name, progress)
    if source == "timm":
        return fetch_timm(name, progress)
    raise ModelError(f"{spec}: there is nothing to fetch; the factory provides its weights")


def _split(spec: str) -> tuple[str, str]:
    source, _, name = spec.partition(":")
    if source not in SOURCES:
        raise ModelError(unknown("source", source, SOURCES))
    if not name:
        raise ModelError(f"{spec!r}: a model is missing; expected {source}:MODEL")
    return source, name


def _load_import(path: str, weights: str | Path | None) -> SourceModel:
    """What the factory at a dotted path returns: a module, or a module and a dict.

    The dict may hold each attribute of `SourceModel` but `network`; mean and std in units
    of 0..255. What it leaves out is the usual: ImageNet's mean and standard deviation, the
    whole photo resized bilinearly to 224 x 224, and no class names.
    """
    spec = f"import:{path}"
    factory = _factory(path)
    with fixed_seed():
        try:
            made = factory()
        except Exception as error:  # the user's own code
            raise ModelError(
                f"{spec}: the factory failed: {type(error).__name__}: {error}"
            ) from error
    network, given = made if isinstance(made, tuple) and len(made) == 2 else (made, {})
    if not (isinstance(network, nn.Module) and isinstance(given, dict)):
        raise ModelError(
            f"{spec}: must return a torch.nn.Module, or a pair of one and a dict, "
            f"not {type(made).__name__}"
        )
    for key in given:
        if key not in _IMPORT_DEFAULTS:
            raise ModelError(unknown(f"setting of {spec}", str(key), _IMPORT_DEFAULTS))
    if weights is not None and weights != RANDOM:
        load_weights(network, read_state_dict(weights), f"{weights} for {spec}")
    values = _IMPORT_DEFAULTS | given
    try:
        for key in ("mean", "std", "size", "classes"):
            values[key] = tuple(values[key])
        return SourceModel(network=network, **values)
    except (TypeError, ValueError) as error:
        raise ModelError(f"{spec}: {error}") from None


def _factory(path: str) -> Any:
    module_name, _, name = path.rpartition(".")
    if not module_name:
        raise ModelError(f"import:{path}: expected import:MODULE.FACTORY")
    if "" not in sys.path:
        sys.path.insert(0, "")  # the current folder, as for `python -m`
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # the user's own code
        reason = f"{type(error).__name__}: {error}"
        raise ModelError(f"import:{path}: {module_name} cannot be imported: {reason}") from error
    if not hasattr(module, name):
        raise ModelError(unknown(f"factory in {module_name}", name, vars(module)))
    return getattr(module, name)
