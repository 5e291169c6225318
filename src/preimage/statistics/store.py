"""Statistics on disk: what is finished, and what was reached by an unfinished run.

    statistics/NETWORK-HASH/IMAGES/images.json    the files of the image set, in order
                                  /LAYER.npz      the tally, with its metadata as JSON

stands in the cache folder of the weights. HASH is of the network's weights, structure and
preprocessing. IMAGES is a hash of each file's path, size and time of change: contents are
not read, so that a set of a million files is recognized at once, and a set that was copied
counts as another one. Files are complete or not there at all.
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
from pathlib import Path
from typing import Any

import numpy as np
import torch

from preimage.files import cache_folder, file_name, write_whole
from preimage.representations.layer import Layer
from preimage.statistics.tally import Tally

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a run over the images of a set has come with a layer.

    Attributes:
        done: files that were looked at, from the first.
        most: how many of the largest responses are kept.
        skipped: the files, by index, that could not be used, and why.
        tally: what the others gave; None before the first.
    """

    done: int
    most: int
    skipped: dict[int, str]
    tally: Tally | None


@dataclass(frozen=True, slots=True)
class Store:
    """The folder of one network's statistics."""

    folder: Path

    @classmethod
    def of(cls, layer: Layer) -> Store:
        """That of the network a layer belongs to."""
        name = file_name(network_name(layer))
        return cls(cache_folder() / "statistics" / f"{name}-{_network_hash(layer)}")

    @staticmethod
    def key_of(images: Sequence[str]) -> str:
        """The name of the folder of an image set."""
        digest = hashlib.sha256()
        for path in images:
            try:
                status = os.stat(path)
                found = (path, status.st_size, status.st_mtime_ns)
            except OSError:
                found = (path, 0, 0)
            digest.update(json.dumps(found).encode())
        return digest.hexdigest()[:16]

    def begin(self, images: Sequence[str]) -> str:
        """Makes the folder of an image set; returns its name."""
        key = self.key_of(images)
        with write_whole(self.folder / key / "images.json") as partial:
            partial.write_text(json.dumps(list(images), indent=0))
        return key

    def finished(self, layer: str) -> Iterator[tuple[str, Reached]]:
        """The image sets that a run over the layer has finished, each with its result."""
        for path in sorted(self.folder.glob(f"*/{_file_name(layer)}")):
            key = path.parent.name
            reached = self.read(key, layer)
            if reached is not None and reached.done == len(self.images(key)):
                yield key, reached

    def images(self, key: str) -> list[str]:
        """The files of an image set; none where it is not known."""
        try:
            listed = json.loads((self.folder / key / "images.json").read_text())
        except (OSError, ValueError):
            return []
        return [str(path) for path in listed]

    def read(self, key: str, layer: str) -> Reached | None:
        """How far the layer has come; None where nothing is there that can be used."""
        try:
            data = (self.folder / key / _file_name(layer)).read_bytes()
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                about = json.loads(arrays["about"].tobytes())
                if (about["format"], about["layer"]) != (_FORMAT, layer):
                    return None
                fields = {f.name: arrays[f.name] for f in dataclasses.fields(Tally)}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        tally = Tally(**fields | {"count": int(fields["count"])})
        skipped = {int(index): reason for index, reason in about["skipped"].items()}
        return Reached(about["done"], about["most"], skipped, tally)

    def write(self, key: str, layer: Layer, reached: Reached) -> None:
        """Keeps how far the layer has come."""
        if reached.tally is None:
            return
        about = {
            "format": _FORMAT,
            "network": network_name(layer),
            "layer": layer.layer,
            "done": reached.done,
            "most": reached.most,
            "skipped": reached.skipped,
        }
        arrays: dict[str, Any] = {
            field.name: getattr(reached.tally, field.name) for field in dataclasses.fields(Tally)
        }
        arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
        with write_whole(self.folder / key / _file_name(layer.layer)) as partial:
            np.savez(partial, **arrays)


def network_name(layer: Layer) -> str:
    """What a user calls the network of a layer; its class where the layer's name is all."""
    return layer.layer_name.network or type(layer.model).__name__


def _file_name(layer: str) -> str:
    return f"{file_name(layer)}.npz"


def _network_hash(layer: Layer) -> str:
    structure = re.sub(r" at 0x\w+", "", repr(layer.model))  # addresses change with every run
    digest = hashlib.sha256(f"{structure} {layer.preprocessing!r}".encode())
    for name, tensor in chain(layer.model.named_parameters(), layer.model.named_buffers()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]
