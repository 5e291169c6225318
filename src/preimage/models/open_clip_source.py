"""Image towers of OpenCLIP, as `open_clip:MODEL@TAG`, `open_clip:MODEL@FILE` or `open_clip:MODEL`.

TAG names weights that OpenCLIP knows, such as laion2b_s34b_b79k. Text towers are not built.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from preimage.models.errors import ModelError
from preimage.models.loaded import Loaded, times_255
from preimage.models.optional import import_optional
from preimage.models.state_dicts import choose_file, fixed_seed, load_weights, read_state_dict
from preimage.names import unknown
from preimage.preprocessing import Preprocessing

_NO_TEXT = {"context_length": 1, "vocab_size": 1, "width": 8, "heads": 1, "layers": 1}
"""A text tower that takes no time to build; it is thrown away."""

_HUB_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")


def load(name: str, weights: str | Path | None = None) -> Loaded:
    """Load an image tower with its preprocessing; see `preimage.models.sources.load`."""
    spec = f"open_clip:{name}"
    open_clip = import_optional("open_clip", "open-clip")
    model, tag = _parse(open_clip, name)
    tags = open_clip.list_pretrained_tags_by_model(model)
    known = open_clip.get_pretrained_cfg(model, tag) if tag else {}
    if tag and not known and weights is None:
        weights = _file(spec, tag, tags)
    own = _cached(known) if known else None
    if not tag and weights is None:
        raise ModelError(f"{spec}: needs --weights FILE or random, or a tag: {_offer(spec, tags)}")
    file = choose_file(spec, weights, own)
    with fixed_seed(), _quiet():
        network = open_clip.create_model(
            model,
            load_weights=False,
            pretrained_image=False,
            pretrained_text=False,
            force_quick_gelu=bool(known.get("quick_gelu")),
            text_cfg=_NO_TEXT,
        )
    if file is not None:
        state = {key.removeprefix("module."): v for key, v in read_state_dict(file).items()}
        state = open_clip.convert.convert_state_dict(network, state)
        own_keys = {
            k.removeprefix("visual."): v for k, v in state.items() if k.startswith("visual.")
        }
        load_weights(network.visual, own_keys or state, f"{file} for {spec}")
    described = known or (open_clip.get_pretrained_cfg(model, tags[0]) if tags else {})
    return Loaded(network.visual, _preprocessing(spec, network.visual, described))


def fetch(name: str) -> Path:
    """Download the weights of a tag; see `preimage.models.sources.fetch`."""
    open_clip = import_optional("open_clip", "open-clip")
    model, tag = _parse(open_clip, name)
    tags = open_clip.list_pretrained_tags_by_model(model)
    known = open_clip.get_pretrained_cfg(model, tag)
    if not known:
        raise ModelError(
            f"open_clip:{name}: name a tag to fetch: {_offer(f'open_clip:{name}', tags)}"
        )
    if (cached := _cached(known)) is not None:
        return cached
    try:
        return Path(open_clip.download_pretrained(known))
    except Exception as error:  # such as the HTTP library's own errors
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ModelError(f"open_clip:{name}: not downloaded: {reason}") from None


def _parse(open_clip: Any, name: str) -> tuple[str, str]:
    """Return the model, and the tag or file; the latter is "" if there is none."""
    model, _, tag = name.partition("@")
    names = open_clip.list_models()
    if model not in names:
        raise ModelError(unknown("OpenCLIP model", model, names))
    return model, tag


def _offer(spec: str, tags: list[str]) -> str:
    return ", ".join(f"{spec.partition('@')[0]}@{tag}" for tag in tags[:3]) or "there are none"


def _file(spec: str, tag: str, tags: list[str]) -> Path:
    """Return the file that stands in place of a tag."""
    file = Path(tag).expanduser()
    if not file.is_file():
        raise ModelError(f"{spec}: no such file, and {unknown('tag', tag, tags)}")
    return file


def _cached(known: dict[str, Any]) -> Path | None:
    """Return the weight file of a tag in the hub's cache or OpenCLIP's own; None without one."""
    if known.get("hf_hub"):
        hub = import_optional("huggingface_hub", "open-clip")
        repository, _, file = known["hf_hub"].rpartition("/")
        safe = str(Path(file).with_suffix(".safetensors")) if file else ""
        for wanted in (safe, file) if file else _HUB_FILES:
            path = hub.try_to_load_from_cache(repository, wanted)
            if isinstance(path, str):
                return Path(path)
    if known.get("url"):
        path = Path("~/.cache/clip").expanduser() / Path(urlparse(known["url"]).path).name
        return path if path.is_file() else None
    return None


def _preprocessing(spec: str, tower: Any, known: dict[str, Any]) -> Preprocessing:
    data = {**tower.preprocess_cfg, **known}
    size = tower.image_size
    height, width = size if isinstance(size, tuple | list) else (size, size)
    mode = data["resize_mode"]
    try:
        if mode not in ("shortest", "squash"):
            raise ValueError(f"resize mode {mode!r}")
        return Preprocessing(
            mean=times_255(data["mean"]),
            std=times_255(data["std"]),
            size=(height, width),
            resize=None if mode == "squash" else max(height, width),
            interpolation=data["interpolation"],
        )
    except ValueError as error:
        raise ModelError(
            f"{spec}: its preprocessing is not supported ({error}); load it by a factory of your "
            "own, as import:MODULE.FACTORY"
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep OpenCLIP from logging that it has loaded no weights, and from setting up the log."""
    handlers, disabled = logging.root.handlers[:], logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(disabled)
        logging.root.handlers[:] = handlers
