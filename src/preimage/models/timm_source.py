"""timm's networks, as `timm:NAME` or `timm:NAME.TAG`."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from preimage.models.errors import ModelError
from preimage.models.loaded import Loaded, times_255
from preimage.models.optional import import_optional
from preimage.models.state_dicts import choose_file, fixed_seed, load_weights, read_state_dict
from preimage.models.torch_hub import checkpoint_path, download_checkpoint
from preimage.names import unknown
from preimage.preprocessing import Preprocessing

_HUB_FILES = ("model.safetensors", "pytorch_model.bin")


def load(name: str, weights: str | Path | None = None) -> Loaded:
    """Load a network with its preprocessing and classes; see `preimage.models.sources.load`."""
    spec = f"timm:{name}"
    timm = import_optional("timm", "timm")
    configuration = _configuration(timm, name)
    preprocessing = _preprocessing(timm, spec, configuration)
    file = choose_file(spec, weights, _cached(configuration))
    with fixed_seed():
        if file is None:
            network = timm.create_model(name)
        else:
            network = _create_with(timm, name, read_state_dict(file), f"{file} for {spec}")
    return Loaded(network, preprocessing, _classes(timm, network))


def fetch(name: str) -> Path:
    """Download the pretrained weights into timm's cache; see `preimage.models.sources.fetch`."""
    configuration = _configuration(import_optional("timm", "timm"), name)
    cached = _cached(configuration)
    if cached is not None:
        return cached
    if configuration.hf_hub_id:
        return _download_from_hub(configuration.hf_hub_id)
    if not _has_checkpoint(configuration):
        raise ModelError(f"timm:{name}: timm offers no pretrained weights")
    return download_checkpoint(configuration.url)


def _configuration(timm: Any, name: str) -> Any:
    names = [*timm.list_models(), *timm.list_pretrained()]
    if name not in names:
        raise ModelError(unknown("timm network", name, names))
    return timm.get_pretrained_cfg(name)


def _has_checkpoint(configuration: Any) -> bool:
    """Return whether there is an address of a torch state dict, not of another library's arrays."""
    return bool(configuration.url) and not configuration.custom_load


def _cached(configuration: Any) -> Path | None:
    """Return the weight file in Hugging Face's or torch.hub's cache; None if there is none."""
    if configuration.hf_hub_id:
        hub = import_optional("huggingface_hub", "timm")
        repository, _, revision = configuration.hf_hub_id.partition("@")
        for file in _HUB_FILES:
            path = hub.try_to_load_from_cache(repository, file, revision=revision or None)
            if isinstance(path, str):
                return Path(path)
    if _has_checkpoint(configuration):
        path = checkpoint_path(configuration.url)
        return path if path.is_file() else None
    return None


def _download_from_hub(identifier: str) -> Path:
    hub = import_optional("huggingface_hub", "timm")
    errors = importlib.import_module("huggingface_hub.errors")
    repository, _, revision = identifier.partition("@")
    for file in _HUB_FILES:
        try:
            return Path(hub.hf_hub_download(repository, file, revision=revision or None))
        except Exception as error:  # such as the HTTP library's own errors
            offline = isinstance(error, errors.LocalEntryNotFoundError)
            if isinstance(error, errors.EntryNotFoundError) and not offline:
                continue
            raise ModelError(f"{repository}: not downloaded: {_line(error)}") from None
    raise ModelError(f"{repository}: not downloaded: it holds neither {' nor '.join(_HUB_FILES)}")


def _line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _create_with(timm: Any, name: str, weights: Mapping[str, Tensor], source: str) -> Any:
    """Return the network with `weights`, whose names may be old ones that timm converts."""
    overlay = {"state_dict": dict(weights)}
    try:
        network = timm.create_model(name, pretrained=True, pretrained_cfg_overlay=overlay)
    except Exception as error:  # timm's converters fail in many ways on foreign weights
        load_weights(timm.create_model(name), weights, source)
        raise ModelError(f"{source}: weights of another network: {_line(error)}") from None
    network.pretrained_cfg.pop("state_dict")
    return network


def _preprocessing(timm: Any, spec: str, configuration: Any) -> Preprocessing:
    data = timm.data.resolve_data_config(pretrained_cfg=configuration.to_dict())
    size = tuple(data["input_size"][1:])
    is_squashed = data["crop_mode"] == "squash" and data["crop_pct"] == 1
    try:
        if not is_squashed and (data["crop_mode"] != "center" or size[0] != size[1]):
            raise ValueError(f"crop mode {data['crop_mode']!r} at size {size[0]} x {size[1]}")
        return Preprocessing(
            mean=times_255(data["mean"]),
            std=times_255(data["std"]),
            size=size,
            resize=None if is_squashed else int(size[0] / data["crop_pct"]),
            interpolation=data["interpolation"],
        )
    except ValueError as error:
        raise ModelError(
            f"{spec}: its preprocessing is not supported ({error}); load it by a factory of your "
            "own, as import:MODULE.FACTORY"
        ) from None


def _classes(timm: Any, network: Any) -> tuple[str, ...]:
    subset = timm.data.infer_imagenet_subset(network)
    return tuple(timm.data.ImageNetInfo(subset).label_descriptions()) if subset else ()
