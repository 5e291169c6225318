"""Networks by name, from all of their sources.

    alexnet, vgg-m, ...                the networks of MatConvNet's zoo
    efficientnet-lite0, ..., -lite4    networks whose weights come with packages, if at all
    matconvnet:FILE.mat                any other file of MatConvNet
    pt2:FILE.pt2                       a program that torch.export saved
    torchvision:resnet50               a classification network of torchvision
    timm:vit_small_patch16_224         a network of timm, with a tag or without
    hf:facebook/dinov2-small           a network of transformers, by its name on the hub or a folder
    open_clip:ViT-B-32@openai          an image tower of OpenCLIP, with a tag or a file of weights
    import:PACKAGE.MODULE.FACTORY      what the user's own FACTORY() returns

Each comes with the preprocessing that its own metadata prescribes. Only `fetch` downloads.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from preimage.models import (
    download,
    efficientnet_lite,
    hf_source,
    import_source,
    matconvnet,
    open_clip_source,
    pt2_source,
    timm_source,
    torchvision_source,
    zoo,
    zoo_files,
)
from preimage.models.errors import ModelError
from preimage.models.loaded import Loaded
from preimage.models.state_dicts import RANDOM
from preimage.names import unknown

NETWORKS = (*zoo.NETWORKS, *efficientnet_lite.VARIANTS)
"""The networks that have a name of their own."""

_LIBRARIES: dict[str, Any] = {
    "torchvision": torchvision_source,
    "timm": timm_source,
    "hf": hf_source,
    "open_clip": open_clip_source,
    "import": import_source,
}
"""The modules that load networks whose weights the user can choose."""

_FILES: dict[str, Any] = {"matconvnet": matconvnet, "pt2": pt2_source}
"""The modules that load networks from files that hold their weights."""

SOURCES = (*_FILES, *_LIBRARIES)
"""The sources of all other networks, named SOURCE:MODEL."""

ELSEWHERE = " (or SOURCE:NAME of torchvision, timm, hf, open_clip, matconvnet, pt2, import)"
"""The end of a message about an unknown network: the names of those from elsewhere."""


def is_network(name: str) -> bool:
    """Return whether a name is that of a network, without a layer."""
    return name in NETWORKS or name.partition(":")[0] in SOURCES


def is_whole(name: str) -> bool:
    """Return whether a name with slashes is the whole name of a network, without a layer.

    >>> is_whole("matconvnet:nets/mine.mat/conv3")
    False
    """
    source, _, model = name.partition(":")
    path = Path(model.rpartition("@")[2]).expanduser()
    known = source in (*_FILES, "hf", "open_clip")
    return known and (path.is_file() or (path / "config.json").is_file())


def may_have_slashes(name: str) -> bool:
    """Return whether the name of a network can contain "/" without naming a layer.

    >>> may_have_slashes("hf:facebook/dinov2-small"), may_have_slashes("timm:resnet50/layer3")
    (True, False)
    """
    return name.partition(":")[0] in (*_FILES, "hf", "open_clip")


def own_files(name: str) -> list[Path]:
    """Return the user's own files that a network is loaded from; none for one that is published.

    >>> [path.name for path in own_files("matconvnet:nets/mine.mat")]
    ['mine.mat']
    """
    source, _, model = name.partition(":")
    path = Path(model.rpartition("@")[2] if source == "open_clip" else model).expanduser()
    if source == "matconvnet":
        return [path]
    if source == "pt2":
        return [path, *filter(Path.is_file, [path.with_suffix(".toml")])]
    if source == "hf" and path.is_dir():
        return sorted(file for file in path.iterdir() if file.suffix in hf_source.SUFFIXES)
    return [path] if source == "open_clip" and path.is_file() else []


def holds_weights(name: str) -> bool:
    """Return whether a network comes from a file that holds its weights, and takes no others.

    >>> holds_weights("pt2:nets/mine.pt2"), holds_weights("alexnet")
    (True, False)
    """
    return name.partition(":")[0] in _FILES


def load(name: str, weights: str | Path | None = None) -> Loaded:
    """Load the network with this name, and its preprocessing and class names.

    Args:
        name: one of the forms listed at the top of this module.
        weights: a file (.mat for the networks of the zoo, otherwise safetensors or a torch
            state dict), or "random" for untrained weights from a fixed seed. If None, the
            network's own weights are loaded, which must be on this machine.

    Raises:
        ModelError: if the network is unknown, the library is not installed, or the weights
            are missing or cannot be used.

    >>> load("torchvisoin:resnet50")
    Traceback (most recent call last):
    preimage.models.errors.ModelError: unknown source 'torchvisoin': did you mean 'torchvision'?
    """
    if name in zoo.NETWORKS:
        with _float32():
            return zoo_files.load(name, weights)
    if name in efficientnet_lite.VARIANTS:
        with _float32():
            return efficientnet_lite.load(name, weights)
    source, model = _split(name)
    with nullcontext() if source == "import" else _float32():  # the user may mean it
        return _load_from(source, model, name, weights)


def _load_from(source: str, model: str, name: str, weights: str | Path | None) -> Loaded:
    if source in _FILES:
        if weights is not None:
            raise ModelError(f"{name}: the file holds its own weights: leave out other weights")
        return _FILES[source].load(model)
    return _LIBRARIES[source].load(model, weights)


@contextmanager
def _float32() -> Iterator[None]:
    """Make modules in float32, whatever torch's default dtype is."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def fetch(name: str, progress: download.Progress | None = None) -> Path:
    """Download the weights of a network, unless they are on this machine; return their file.

    Only networks of the zoo call `progress`; other libraries show a progress bar of their own.

    Raises:
        ModelError: if the network is unknown, has no weights to download, or the download
            fails.
    """
    if name in zoo.NETWORKS:
        return zoo_files.fetch(name, progress)
    if name in efficientnet_lite.VARIANTS:
        return efficientnet_lite.weight_file(name)
    source, model = _split(name)
    if source in _FILES or source == "import":
        raise ModelError(f"{name}: nothing to fetch: it provides its own weights")
    return _LIBRARIES[source].fetch(model)


def install(name: str, file: str | os.PathLike[str]) -> Path:
    """Install the user's file as the weight file of a zoo network; return the copy.

    Raises:
        ModelError: if the file cannot be used, or the network is not in the zoo.
    """
    if name not in zoo.NETWORKS and is_network(name):
        raise ModelError(
            f"{name}: only weight files of MatConvNet's zoo can be installed; use --weights {file}"
        )
    return zoo_files.install(name, file)


def weight_file(name: str, weights: str | None = None) -> Path | None:
    """Return the file that `load` would read; None for random weights or an unknown file.

    >>> weight_file("matconvnet:nets/mine.mat", None).name
    'mine.mat'
    """
    source, _, file = name.partition(":")
    if weights is not None:
        return None if weights == RANDOM else Path(weights)
    if source == "matconvnet":
        return Path(file)
    if name in zoo.NETWORKS and zoo_files.is_installed(name):
        return zoo_files.path_of(name)
    is_lite = name in efficientnet_lite.VARIANTS
    return efficientnet_lite.find_weight_file(name) if is_lite else None


def _split(name: str) -> tuple[str, str]:
    source, colon, model = name.partition(":")
    if not colon:
        raise ModelError(f"{unknown('network', name, NETWORKS)}{ELSEWHERE}")
    if source not in SOURCES:
        raise ModelError(unknown("source", source, SOURCES))
    if not model:
        raise ModelError(f"{name!r}: a model is missing; expected {source}:MODEL")
    return source, model
