"""Networks of Hugging Face's transformers, as `hf:NAME` or `hf:FOLDER`.

NAME is a repository of the hub, optionally followed by "@REVISION". Code that a repository brings
along never runs. Of a network that also takes text, only the vision tower is used.
"""

from __future__ import annotations

import inspect
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from torch import nn

from preimage.models.errors import ModelError
from preimage.models.hf_processor import adapt, preprocessing_of
from preimage.models.loaded import Loaded
from preimage.models.optional import import_optional
from preimage.models.state_dicts import (
    check_checkpoint,
    check_names,
    choose_file,
    fixed_seed,
    read_state_dict,
)
from preimage.names import unknown

_TOWERS = ("vision_model", "vision_tower", "vision_encoder", "visual", "image_model", "encoder")
"""The names under which composite networks keep the part that sees images."""

_OTHER_INPUTS = {"input_ids", "decoder_input_ids", "task_inputs"}
_DESCRIPTIONS = ("*.json",)
SUFFIXES = (".json", ".safetensors", ".bin")
"""The suffixes of the files that a network is loaded from."""

_WEIGHTS = ("model*.safetensors", "pytorch_model*.bin")


def load(name: str, weights: str | Path | None = None) -> Loaded:
    """Load a network with its preprocessing and classes; see `preimage.models.sources.load`.

    Weights that the network's own file lacks stay random, after a warning.
    """
    spec = f"hf:{name}"
    transformers = import_optional("transformers", "hf")
    folder = _folder(spec, name)
    file = choose_file(spec, weights, _weight_file(folder))
    try:
        with fixed_seed(), _quiet(transformers):
            _check_attention(spec, json.loads((folder / "config.json").read_text("utf-8")))
            config = transformers.AutoConfig.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
            network = _network(transformers, spec, config, folder, file, weights is None)
            tower = vision_tower(spec, network)
            preprocessing = preprocessing_of(transformers, spec, folder, network, tower)
    except ModelError:
        raise
    except UnpicklingError:
        raise ModelError(
            f"{file}: damaged, or holds Python objects other than tensors, which could run code "
            "and are never read"
        ) from None
    except Exception as error:  # transformers raises anything on a damaged file
        raise ModelError(f"{spec}: cannot be loaded: {_line(error)}") from error
    adapt(transformers, folder, tower)
    return Loaded(tower.float(), preprocessing, _classes(network, tower))


def fetch(name: str) -> Path:
    """Download a network into the hub's cache; see `preimage.models.sources.fetch`."""
    if Path(name).expanduser().is_dir():
        raise ModelError(f"hf:{name}: nothing to fetch: it is a folder on this machine")
    hub = import_optional("huggingface_hub", "hf")
    repository, _, revision = name.partition("@")
    try:
        for pattern in _WEIGHTS:
            wanted = [*_DESCRIPTIONS, pattern]
            folder = Path(
                hub.snapshot_download(repository, revision=revision or None, allow_patterns=wanted)
            )
            if any(folder.glob(pattern)):
                return folder
    except Exception as error:  # the HTTP library raises errors of its own
        raise ModelError(f"hf:{name}: not downloaded: {_line(error)}") from None
    raise ModelError(f"hf:{name}: holds neither {' nor '.join(_WEIGHTS)}")


def vision_tower(spec: str, network: nn.Module) -> Any:
    """Return the network, or the part of it that takes images and nothing else.

    Raises:
        ModelError: if no part of it takes images alone.
    """
    for name, part in network.named_modules():
        if (not name or name.rpartition(".")[2] in _TOWERS) and _takes_images_alone(part):
            return part
    raise ModelError(
        f"{spec}: neither {type(network).__name__} nor a vision tower in it takes images alone; "
        "load it by a factory of your own, as import:MODULE.FACTORY"
    )


def _takes_images_alone(module: nn.Module) -> bool:
    names = list(inspect.signature(module.forward).parameters)
    return names[:1] == ["pixel_values"] and not _OTHER_INPUTS.intersection(names)


def _folder(spec: str, name: str) -> Path:
    """Return the folder of a network: the user's, or one in the hub's cache."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise ModelError(f"{spec}: the folder holds no config.json of transformers")
        return folder
    hub = import_optional("huggingface_hub", "hf")
    repository, _, revision = name.partition("@")
    try:
        path = hub.try_to_load_from_cache(repository, "config.json", revision=revision or None)
    except hub.errors.HFValidationError:
        raise ModelError(f"{spec}: not a folder, and not a valid name on the hub") from None
    if isinstance(path, str):
        return Path(path).parent
    cached = Path(hub.constants.HF_HUB_CACHE).glob("models--*")
    names = [entry.name.removeprefix("models--").replace("--", "/") for entry in cached]
    near = f" ({unknown('network', repository, names)})" if names else ""
    whole = "" if "/" in name else ", or name owner and layer, as hf:OWNER/NAME/LAYER"
    raise ModelError(
        f"{spec}: no such folder, and not in the hub's cache on this machine{near}; run "
        f"'preimage fetch {spec}'{whole}"
    )


def _check_attention(spec: str, described: Any) -> None:
    """Raise a `ModelError` if a description names attention of a repository on the hub.

    Transformers would download its compiled code and run it, whether or not code is trusted.
    """
    parts = described if isinstance(described, list) else ()
    if isinstance(described, dict):
        parts = list(described.values())
        for name, value in described.items():
            if name.endswith("attn_implementation") and "/" in str(value):
                raise ModelError(
                    f"{spec}: config.json asks for code of the hub ({value}), which is never run"
                )
    for part in parts:
        _check_attention(spec, part)


def _weight_file(folder: Path) -> Path | None:
    """Return the first file of a network's own weights; None if there is none."""
    return next((path for pattern in _WEIGHTS for path in sorted(folder.glob(pattern))), None)


def _network(
    transformers: Any, spec: str, config: Any, folder: Path, file: Path | None, own: bool
) -> Any:
    """Return the network that `config` describes: random, or with its own or other weights."""
    kind = _class_of(transformers, spec, config)
    if file is None:
        return kind(config)
    source = f"{file} for {spec}"
    options: dict[str, Any] = {"local_files_only": True}
    if own:
        for path in folder.glob(_WEIGHTS[1]):
            check_checkpoint(path)
    else:
        options["state_dict"] = dict(read_state_dict(file))
    network, report = kind.from_pretrained(
        folder if own else None,
        config=config,
        dtype="float32",
        output_loading_info=True,
        ignore_mismatched_sizes=True,
        **options,
    )
    missing, unexpected = sorted(report["missing_keys"]), sorted(report["unexpected_keys"])
    for name, *_ in report["mismatched_keys"]:
        raise ModelError(f"{source}: weights of another network: size mismatch for {name}")
    if not own:
        check_names(source, missing, unexpected)
    elif missing:
        listed = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        warnings.warn(
            f"{source}: {len(missing)} weights are missing and stay random: {listed}", stacklevel=2
        )
    return network


def _class_of(transformers: Any, spec: str, config: Any) -> Any:
    """Return the class that the configuration names, or else that of the network without a head."""
    for name in config.architectures or ():
        found = getattr(transformers, name, None)
        if inspect.isclass(found) and issubclass(found, transformers.PreTrainedModel):
            return found
    try:
        return transformers.MODEL_MAPPING[type(config)]
    except KeyError:
        raise ModelError(f"{spec}: transformers has no network of {config.model_type!r}") from None


def _classes(network: Any, tower: Any) -> tuple[str, ...]:
    """Return the names of the class scores; none if the file only numbers them."""
    labels = getattr(network.config, "id2label", None) or {}
    scores = tower is network and type(network).__name__.endswith("ForImageClassification")
    if not scores or all(str(label).startswith("LABEL_") for label in labels.values()):
        return ()
    return tuple(str(labels[index]) for index in sorted(labels))


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """Keep transformers from logging and from drawing progress bars."""
    logging = transformers.utils.logging
    verbosity, draws = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if draws:
            logging.enable_progress_bar()


def _line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
