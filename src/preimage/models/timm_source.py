"""timm's networks, as `timm:NAME` or `timm:NAME.TAG`."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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

_HUB_FILES = ("model.safetensors", "pytorch_model.bin")


def load_timm(name: str, weights: str | Path | None) -> SourceModel:
    """A network with the preprocessing and classes of its pretrained configuration.

    See `preimage.models.sources.load_source`.
    """
    spec = f"timm:{name}"
    timm = import_optional("timm", "timm")
    configuration = _configuration(timm, name)
    data = timm.data.resolve_data_config(pretrained_cfg=configuration.to_dict())
    size = tuple(data["input_size"][1:])
    resize = _resize(spec, data, size)
    cached = _cached(configuration)
    chosen = choose_weights(spec, weights, cached)
    with fixed_seed():
        if chosen is None:
            network = timm.create_model(name)
        else:
            network = _create_with(timm, name, chosen, f"{weights or cached} for {spec}")
    return SourceModel(
        network=network,
        mean=tuple(255.0 * value for value in data["mean"]),
        std=tuple(255.0 * value for value in data["std"]),
        resize=resize,
        size=size,
        interpolation=data["interpolation"],
        classes=_classes(timm, network),
    )


def fetch_timm(name: str, progress: bool) -> Path:
    """Download the pretrained weights into the cache that timm uses; see `fetch_source`."""
    configuration = _configuration(import_optional("timm", "timm"), name)
    cached = _cached(configuration)
    if cached is not None:
        return cached
    if configuration.hf_hub_id:
        return _download_from_hub(configuration.hf_hub_id, progress)
    if not _has_checkpoint(configuration):
        raise ModelError(f"timm:{name}: timm offers no pretrained weights")
    return download_checkpoint(configuration.url, progress)


def _configuration(timm: Any, name: str) -> Any:
    names = [*timm.list_models(), *timm.list_pretrained()]
    if name not in names:
        raise ModelError(unknown("timm network", name, names))
    return timm.get_pretrained_cfg(name)


def _has_checkpoint(configuration: Any) -> bool:
    """Whether an address holds a torch state dict rather than another library's arrays."""
    return bool(configuration.url) and not configuration.custom_load


def _cached(configuration: Any) -> Path | None:
    """The weight file in the user's cache: Hugging Face's, or else torch.hub's."""
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


def _download_from_hub(identifier: str, progress: bool) -> Path:
    hub = import_optional("huggingface_hub", "timm")
    errors = importlib.import_module("huggingface_hub.errors")
    repository, _, revision = identifier.partition("@")
    for file in _HUB_FILES:
        try:
            with _progress_bars(hub, progress):
                return Path(hub.hf_hub_download(repository, file, revision=revision or None))
        except Exception as error:  # the HTTP library's own errors are among them
            offline = isinstance(error, errors.LocalEntryNotFoundError)
            if isinstance(error, errors.EntryNotFoundError) and not offline:
                continue
            raise ModelError(f"{repository}: not downloaded: {_line(error)}") from None
    raise ModelError(f"{repository}: not downloaded: it holds neither {' nor '.join(_HUB_FILES)}")


def _line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


@contextmanager
def _progress_bars(hub: Any, shown: bool) -> Iterator[None]:
    hidden = hub.utils.are_progress_bars_disabled()
    if not shown:
        hub.utils.disable_progress_bars()
    try:
        yield
    finally:
        if not (shown or hidden):
            hub.utils.enable_progress_bars()


def _create_with(timm: Any, name: str, weights: Mapping[str, Tensor], source: str) -> Any:
    """The network with `weights`, under today's names or older ones that timm converts."""
    try:
        network = timm.create_model(
            name, pretrained=True, pretrained_cfg_overlay={"state_dict": dict(weights)}
        )
    except Exception as error:  # timm's converters fail in many ways on foreign weights
        load_weights(timm.create_model(name), weights, source)
        raise ModelError(f"{source}: weights of another network: {_line(error)}") from None
    network.pretrained_cfg.pop("state_dict")
    return network


def _resize(spec: str, data: Mapping[str, Any], size: tuple[int, ...]) -> int | None:
    """The shorter side before the crop; None where timm resizes the whole photo."""
    if data["crop_mode"] == "squash" and data["crop_pct"] == 1:
        return None
    if data["crop_mode"] != "center" or size[0] != size[1]:
        raise ModelError(
            f"{spec}: its preprocessing (crop mode {data['crop_mode']!r}, crop_pct "
            f"{data['crop_pct']}, size {size[0]} x {size[1]}) is not supported; "
            "load it by a factory of your own, as import:MODULE.FACTORY"
        )
    return int(size[0] / data["crop_pct"])


def _classes(timm: Any, network: Any) -> tuple[str, ...]:
    subset = timm.data.infer_imagenet_subset(network)
    return tuple(timm.data.ImageNetInfo(subset).label_descriptions()) if subset else ()
