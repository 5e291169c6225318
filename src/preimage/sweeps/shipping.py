"""Weight files for machines that lack them: sent once, and kept under their checksum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from preimage.files import cache_folder, sha256, write_whole
from preimage.models.sources import weight_file
from preimage.names import LayerName
from preimage.studies.trial import Trial


@dataclass(frozen=True, slots=True)
class Shipment:
    """A weight file to be sent, with the names that trials give its network and weights.

    Attributes:
        sha256: checksum of the contents.
        suffix: suffix of the file name, which tells the format.
        content: a reference to the bytes, in a list, because Ray fetches bare references at once.
    """

    network: str
    weights: str | None
    sha256: str
    suffix: str
    content: list[Any]

    def unpack(self, follow: Callable[[Any], np.ndarray]) -> Path:
        """Return the path of the file on this machine; `follow` fetches its bytes if it is missing.

        Raises:
            OSError: if it cannot be written.
        """
        path = cache_folder() / "shipped" / f"{self.sha256}{self.suffix}"
        if not (path.exists() and sha256(path) == self.sha256):
            with write_whole(path) as partial:
                partial.write_bytes(follow(self.content[0]).data)
        return path


class Shipments:
    """The weight files of a run, each read once; `put` stores bytes and returns a reference."""

    def __init__(self, put: Callable[[np.ndarray], Any]) -> None:
        self._put = put
        self._known: dict[tuple[str, str | None], Shipment | None] = {}

    def shipment_for(self, trial: Trial) -> Shipment | None:
        """Return the weight file of a trial's network; None without a readable file."""
        network, weights = LayerName.parse(trial.representation).network, trial.weights
        if (network, weights) not in self._known:
            self._known[network, weights] = self._pack(network, weights)
        return self._known[network, weights]

    def _pack(self, network: str, weights: str | None) -> Shipment | None:
        """Return a weight file, whose bytes are stored; None without a readable file."""
        file = weight_file(network, weights)
        if file is None:
            return None
        try:
            data = file.read_bytes()
        except OSError:  # the trials fail in the worker, which says why
            return None
        content = self._put(np.frombuffer(data, np.uint8))
        return Shipment(network, weights, sha256(data), file.suffix, [content])
