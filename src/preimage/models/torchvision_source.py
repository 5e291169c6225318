"""torchvision's classification networks, as `torchvision:NAME`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from preimage.models.errors import ModelError
from preimage.models.loaded import SourceModel
from preimage.models.optional import import_optional
from preimage.models.state_dicts import (
    checkpoint_path,
    choose_weights,
    download_checkpoint,
    fixed_seed,
    load_weights,
)
from preimage.names import unknown

_PORTED = ("googlenet", "inception_v3")
"""Ported from TensorFlow: their forward pass undoes the normalization of the other networks."""


def load_torchvision(name: str, weights: str | Path | None) -> SourceModel:
    """A classification network with the preprocessing and classes of its default weights.

    See `preimage.models.sources.load_source`.
    """
    spec = f"torchvision:{name}"
    models = import_optional("torchvision.models", "torchvision")
    default = _default_weights(models, name)
    cached = checkpoint_path(default.url)
    chosen = choose_weights(spec, weights, cached if cached.is_file() else None)
    options = {"transform_input": True, "init_weights": False} if name in _PORTED else {}
    with fixed_seed():
        network = models.get_model(name, weights=None, **options)
    if chosen is not None:
        load_weights(network, _current_names(chosen), f"{weights or cached} for {spec}")
    preset = default.transforms()
    return SourceModel(
        network=network,
        mean=tuple(255.0 * value for value in preset.mean),
        std=tuple(255.0 * value for value in preset.std),
        resize=preset.resize_size[0],
        size=(preset.crop_size[0], preset.crop_size[0]),
        interpolation=preset.interpolation.value,
        classes=tuple(default.meta["categories"]),
    )


def fetch_torchvision(name: str, progress: bool) -> Path:
    """Download the default weights into torch.hub's cache; see `fetch_source`."""
    models = import_optional("torchvision.models", "torchvision")
    return download_checkpoint(_default_weights(models, name).url, progress)


def _default_weights(models: Any, name: str) -> Any:
    names = models.list_models(module=models)
    if name not in names:
        raise ModelError(unknown("torchvision classification network", name, names))
    return models.get_model_weights(name).DEFAULT


def _current_names(weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Weights under today's names: DenseNet's files still say norm.1 where norm1 is meant."""
    old = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12]\.)")
    if not any(old.search(name) for name in weights):
        return weights
    return {old.sub(r"\1\2", name): value for name, value in weights.items()}
