"""torchvision's classification networks, as `torchvision:NAME`."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

from preimage.models.errors import ModelError
from preimage.models.loaded import Loaded, times_255
from preimage.models.optional import import_optional
from preimage.models.state_dicts import choose_file, fixed_seed, load_weights, read_state_dict
from preimage.models.torch_hub import checkpoint_path, download_checkpoint
from preimage.names import unknown
from preimage.preprocessing import Preprocessing

_PORTED = ("googlenet", "inception_v3")
"""Networks ported from TensorFlow: their forward pass undoes the usual normalization."""

_OLD_NAME = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12]\.)")
"""Names of weights in DenseNet's files, which still say norm.1 for today's norm1."""


def load(name: str, weights: str | Path | None = None) -> Loaded:
    """Load a network with its preprocessing and classes; see `preimage.models.sources.load`."""
    spec = f"torchvision:{name}"
    models = import_optional("torchvision.models", "torchvision")
    default = _default_weights(models, name)
    file = choose_file(spec, weights, checkpoint_path(default.url))
    options = {"transform_input": True, "init_weights": False} if name in _PORTED else {}
    with fixed_seed():
        network = models.get_model(name, weights=None, **options)
    if file is not None:
        source = f"{file} for {spec}"
        load_weights(network, read_state_dict(file), source, partial(_OLD_NAME.sub, r"\1\2"))
    preset = default.transforms()
    preprocessing = Preprocessing(
        mean=times_255(preset.mean),
        std=times_255(preset.std),
        size=(preset.crop_size[0], preset.crop_size[0]),
        resize=preset.resize_size[0],
        interpolation=preset.interpolation.value,
    )
    return Loaded(network, preprocessing, tuple(default.meta["categories"]))


def fetch(name: str) -> Path:
    """Download the default weights into torch.hub's cache; see `preimage.models.sources.fetch`."""
    models = import_optional("torchvision.models", "torchvision")
    return download_checkpoint(_default_weights(models, name).url)


def _default_weights(models: Any, name: str) -> Any:
    names = models.list_models(module=models)
    if name not in names:
        raise ModelError(unknown("torchvision classification network", name, names))
    return models.get_model_weights(name).DEFAULT
