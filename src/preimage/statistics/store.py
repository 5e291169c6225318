"""Statistics in the cache folder, finished or not.

    statistics/NETWORK-HASH/IMAGES/images.json    the files of the image set, in order
                                  /LAYER.npz      a checkpoint, with metadata as JSON

HASH is a hash of the network's weights, structure and preprocessing. IMAGES is a hash of each
file's path, size and modification time: contents are not read, so that a set of a million files
is recognized at once.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch

from preimage.files import cache_folder, file_name, sha256, write_whole
from preimage.representations.layer import Layer
from preimage.statistics.channels import ChannelStatistics

_FORMAT = 3
_FIELDS = dataclasses.fields(ChannelStatistics)
_ARRAYS = [field.name for field in _FIELDS if field.default is dataclasses.MISSING]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a run over the images of a set for one layer.

    Attributes:
        done: number of files that are done, counted from the first of the set.
        top: number of largest responses to keep.
        skipped: the reason why a file could not be used, by the file's index.
        statistics: statistics of the usable files, whose `top_images` are indices of all files;
            None before the first image.
    """

    done: int
    top: int
    skipped: dict[int, str]
    statistics: ChannelStatistics | None


class Store:
    """The statistics, in the cache folder, of the network that `layer` belongs to."""

    def __init__(self, layer: Layer) -> None:
        network = layer.layer_name.network or type(layer.model).__name__
        name = f"{file_name(network)}-{_network_hash(layer)}"
        self.folder = cache_folder() / "statistics" / name

    def register(self, images: Sequence[str]) -> str:
        """Write the list of the files of an image set, and return the key of the set."""
        key = image_set_key(images)
        with write_whole(self.folder / key / "images.json") as partial:
            partial.write_text(json.dumps(list(images), indent=0), encoding="utf-8")
        return key

    def finished(self, layer: str) -> Iterator[tuple[str, Checkpoint]]:
        """Yield the key of each image set that is finished for a layer, and its statistics."""
        for path in sorted(self.folder.glob(f"*/{file_name(layer)}.npz")):
            key = path.parent.name
            found = self.read(key, layer)
            if found is not None and found.done == len(self.images(key)):
                yield key, found

    def images(self, key: str) -> list[str]:
        """Return the files of an image set; an empty list if the set is unknown."""
        try:
            text = (self.folder / key / "images.json").read_text(encoding="utf-8")
            listed = json.loads(text)
        except (OSError, ValueError):
            return []
        return [str(path) for path in listed]

    def read(self, key: str, layer: str) -> Checkpoint | None:
        """Return the state of a layer; None if its file is missing or damaged."""
        try:
            data = (self.folder / key / f"{file_name(layer)}.npz").read_bytes()
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                about = json.loads(arrays["about"].tobytes())
                if (about["format"], about["layer"]) != (_FORMAT, layer):
                    return None
                fields = {name: arrays[name] for name in _ARRAYS}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        statistics = ChannelStatistics(**fields | {"count": int(fields["count"])})
        skipped = {int(index): reason for index, reason in about["skipped"].items()}
        return Checkpoint(about["done"], about["top"], skipped, statistics)

    def write(self, key: str, layer: Layer, reached: Checkpoint) -> None:
        """Write the state of a layer, if there are statistics."""
        if reached.statistics is None:
            return
        name = stored_name(layer)
        about = {"format": _FORMAT, "network": layer.layer_name.network, "layer": name}
        about |= {"done": reached.done, "top": reached.top, "skipped": reached.skipped}
        arrays: dict[str, Any] = {name: getattr(reached.statistics, name) for name in _ARRAYS}
        arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
        with write_whole(self.folder / key / f"{file_name(name)}.npz") as partial:
            np.savez(partial, **arrays)


def stored_name(layer: Layer) -> str:
    """Return a layer's name in the store, with the axis of its channels if a user gave one."""
    axis = layer.channel_axis
    return layer.layer if axis is None else f"{layer.layer} with channels at axis {axis}"


def image_set_key(images: Sequence[str]) -> str:
    """Return the key of an image set: a hash of each file's path, size and modification time."""
    found = []
    for path in images:
        try:
            status = os.stat(path)
            found.append((path, status.st_size, status.st_mtime_ns))
        except OSError:
            found.append((path, 0, 0))
    return sha256(json.dumps(found).encode())[:16]


def _network_hash(layer: Layer) -> str:
    structure = re.sub(r" at 0x\w+", "", repr(layer.model))  # addresses change with every run
    digest = hashlib.sha256(f"{structure} {layer.preprocessing!r}".encode())
    for name, tensor in chain(layer.model.named_parameters(), layer.model.named_buffers()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]
