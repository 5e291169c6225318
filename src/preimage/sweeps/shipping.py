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
    """A weight file on its way, with the names of network and weights in trials.

    Attributes:
        sha256: checksum of the contents.
        suffix: of the file name; it tells the format.
        content: a list of one reference to the bytes. Inside a list, Ray does not fetch them.
    """

    network: str
    weights: str | None
    sha256: str
    suffix: str
    content: list[Any]

    def unpack(self, follow: Callable[[Any], np.ndarray]) -> Path:
        """Return the path of the file on this machine; fetch it with `follow` unless it is there.

        Raises:
            OSError: if it cannot be written.
        """
        path = cache_folder() / "shipped" / f"{self.sha256}{self.suffix}"
        if not (path.exists() and sha256(path) == self.sha256):
            with write_whole(path) as partial:
                partial.write_bytes(follow(self.content[0]).data)
        return path


class Shipments:
    """The weight files of a run, each read once; `put` keeps bytes and returns a reference."""

    def __init__(self, put: Callable[[np.ndarray], Any]) -> None:
        self._put = put
        self._known: dict[tuple[str, str | None], Shipment | None] = {}

    def shipment_for(self, trial: Trial) -> Shipment | None:
        """Return the weight file of a trial's network; None if there is none to be read."""
        network, weights = LayerName.parse(trial.representation).network, trial.weights
        if (network, weights) not in self._known:
            self._known[network, weights] = self._pack(network, weights)
        return self._known[network, weights]

    def _pack(self, network: str, weights: str | None) -> Shipment | None:
        """Read a weight file, and keep its bytes."""
        file = weight_file(network, weights)
        if file is None:
            return None
        try:
            data = file.read_bytes()
        except OSError:  # the trials fail in the worker, which says why
            return None
        content = self._put(np.frombuffer(data, np.uint8))
        return Shipment(network, weights, sha256(data), file.suffix, [content])
