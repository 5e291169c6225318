"""Weight files for machines that lack them: sent once, kept by checksum."""

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
    """A weight file on its way.

    Attributes:
        model: the network, as trials name it.
        weights: as trials have them.
        sha256: checksum of the contents.
        suffix: of the file's name, which tells its format.
        content: a list of one reference to the bytes, which is not followed until it must be.
    """

    model: str
    weights: str | None
    sha256: str
    suffix: str
    content: list[Any]

    def unpack(self, follow: Callable[[Any], np.ndarray]) -> Path:
        """Where the file lies on this machine; it is fetched and written unless it is there.

        Args:
            follow: from the reference to the bytes.

        Raises:
            OSError: if it cannot be written.
        """
        path = cache_folder() / "shipped" / f"{self.sha256}{self.suffix}"
        if not (path.exists() and sha256(path) == self.sha256):
            with write_whole(path) as partial:
                partial.write_bytes(follow(self.content[0]).data)
        return path


class Shipments:
    """The weight files of a run, each read and put up once.

    Args:
        put: from the bytes of a file to a reference that workers can follow.
    """

    def __init__(self, put: Callable[[np.ndarray], Any]) -> None:
        self._put = put
        self._known: dict[tuple[str, str | None], Shipment | None] = {}

    def shipment_for(self, trial: Trial) -> Shipment | None:
        """The weight file of a trial's network; None where there is none, or none to be read."""
        model, weights = LayerName.parse(trial.representation).network, trial.weights
        if (model, weights) not in self._known:
            self._known[model, weights] = self._pack(model, weights)
        return self._known[model, weights]

    def _pack(self, model: str, weights: str | None) -> Shipment | None:
        file = weight_file(model, weights)
        try:
            data = b"" if file is None else file.read_bytes()
        except OSError:  # the worker says what is wrong with it, trial by trial
            return None
        if file is None:
            return None
        content = self._put(np.frombuffer(data, np.uint8))
        return Shipment(model, weights, sha256(data), file.suffix, [content])
