"""Weight files for machines that lack them: sent once, kept by checksum."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from preimage.models.weights import cache_directory
from preimage.studies.trial import Trial
from preimage.studies.trial_files import weight_file


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
        path = cache_directory() / "shipped" / f"{self.sha256}{self.suffix}"
        if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == self.sha256:
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
        try:
            partial.write_bytes(follow(self.content[0]).data)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
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
        model, weights = trial.representation.rpartition("/")[0], trial.weights
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
        return Shipment(model, weights, hashlib.sha256(data).hexdigest(), file.suffix, [content])
