"""The weight files of the zoo's networks in the cache folder; only `fetch` downloads."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from preimage.files import cache_folder
from preimage.models import download, matconvnet
from preimage.models.errors import ModelError
from preimage.models.loaded import Loaded
from preimage.models.state_dicts import RANDOM
from preimage.models.zoo import get

ADDRESS = "https://www.vlfeat.org/matconvnet/models"
"""The folder of the weight files on the web."""


def path_of(name: str) -> Path:
    """Return the path of a network's weight file in the cache folder, whether it is there or not.

    >>> path_of("vgg-m").name
    'imagenet-vgg-m.mat'
    """
    return cache_folder() / get(name).file


def is_installed(name: str) -> bool:
    """Return whether the weight file of a network is in the cache folder."""
    return path_of(name).is_file()


def fetch(name: str, progress: download.Progress | None = None, address: str = ADDRESS) -> Path:
    """Download the weight file of a network, unless it is there already; return its path.

    `address` is the folder of the file on the web.

    Raises:
        ModelError: if the download fails; the next call resumes it.
    """
    network, path = get(name), path_of(name)
    if not path.is_file():
        download.download(f"{address}/{network.file}", path, network.md5, progress)
    return path


def install(name: str, file: str | os.PathLike[str]) -> Path:
    """Install a file that the user has as the weight file of a network; return the copy's path.

    Raises:
        ModelError: if the file cannot be read, or is not the network's weight file.
    """
    path = path_of(name)
    download.install(Path(file), path, get(name).md5)
    return path


def load(name: str, weights: str | os.PathLike[str] | None = None) -> Loaded:
    """Load a network.

    Args:
        name: the network.
        weights: see `preimage.models.sources.load`; a file must hold the network's layers.

    Raises:
        ModelError: if the weight file is missing, damaged, or belongs to another network.
    """
    network = get(name)
    if weights is None and not is_installed(name):
        raise ModelError(
            f"the weights of {name} ({network.megabytes} MB) are not in {cache_folder()}; get "
            f"them with: preimage fetch {name}, or give --weights FILE, or --weights {RANDOM} "
            "for an untrained network"
        )
    if weights == RANDOM:
        loaded = matconvnet.untrained(network.layers, network.image_size)
    else:
        loaded = matconvnet.load(weights or path_of(name), name, network.layers)
    return dataclasses.replace(loaded, loss_weights=network.loss_weights)
