"""Where the weight files of the named networks lie, and how they get there.

Nothing here is downloaded unless `fetch` is called: `load` of a missing file is an error
that names the command which fetches it.
"""

from __future__ import annotations

import os
from pathlib import Path

from preimage.files import cache_folder
from preimage.models import download, matconvnet, zoo
from preimage.models.errors import ModelError
from preimage.models.matconvnet import MatConvNetModel

ZOO = "https://www.vlfeat.org/matconvnet/models"
"""MatConvNet's public model zoo."""


def path_of(name: str) -> Path:
    """Where the weight file of a network lies, or would lie.

    Raises:
        ModelError: if there is no such network.

    >>> path_of("vgg-m").name
    'imagenet-vgg-m.mat'
    """
    return cache_folder() / zoo.get(name).file


def is_installed(name: str) -> bool:
    """Whether the weight file of a network is there."""
    return path_of(name).is_file()


def fetch(name: str, progress: download.Progress | None = None, address: str = ZOO) -> Path:
    """Downloads the weight file of a network, unless it is there already.

    Args:
        name: the network.
        progress: called with the bytes that are there and the bytes of the whole file.
        address: of the folder that holds the file.

    Returns:
        Where it lies.

    Raises:
        ModelError: if the download fails; the next call goes on where it ended.
    """
    network, path = zoo.get(name), path_of(name)
    if not path.is_file():
        download.download(f"{address}/{network.file}", path, network.md5, progress)
    return path


def install(name: str, file: str | os.PathLike[str]) -> Path:
    """Copies the weight file of a network from a file that the user has.

    Returns:
        Where it lies now.

    Raises:
        ModelError: if the file cannot be read, or is not the network's weight file.
    """
    path = path_of(name)
    download.install(Path(file), path, zoo.get(name).md5)
    return path


def load(name: str) -> MatConvNetModel:
    """A named network with its trained weights.

    Raises:
        ModelError: if its weight file is not there, damaged, or another network's.
    """
    network, path = zoo.get(name), path_of(name)
    if not path.is_file():
        raise ModelError(
            f"the weights of {name} ({network.megabytes} MB) are not in {path.parent}; get them "
            f"with: preimage fetch {name}"
        )
    model = matconvnet.read(path)
    try:
        matconvnet.check_architecture(model, network)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    return model
