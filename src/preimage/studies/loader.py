"""A cache of what trials name: networks, layers, judges, and dictionaries of HOGgle."""

from __future__ import annotations

from pathlib import Path

from preimage import catalog, hoggle
from preimage.names import LayerName
from preimage.networks import Network
from preimage.representations.base import Representation
from preimage.studies.judge import Judge
from preimage.studies.trial import checksum


class Loader:
    """A cache of the last network, its layers, the last judge, and the last dictionaries.

    Attributes:
        files: actual paths of weight files that are not at the paths in the trials, by the names
            of network and weights in the trials.

    >>> loader = Loader()
    >>> loader.representation("hog") is loader.representation("hog")
    True
    """

    def __init__(self) -> None:
        self.files: dict[tuple[str, str | None], Path] = {}
        self._loaded: tuple[str, str | None] | None = None
        self._network: Network | None = None
        self._representations: dict[str, Representation] = {}
        self._judge: tuple[tuple[str, ...], Judge] | None = None
        self._dictionaries: tuple[str, hoggle.PairedDictionaries] | None = None

    def network(self, name: str, weights: str | None = None) -> Network:
        """Return the network of that name, with its weights; see `catalog.network`."""
        if self._loaded != (name, weights) or self._network is None:
            self._loaded, self._network = None, None
            self._representations.clear()
            file = self.files.get((name, weights))
            if file is not None and weights is None and name.startswith("matconvnet:"):
                self._network = catalog.network(f"matconvnet:{file}")
            else:
                self._network = catalog.network(name, weights=file or weights)
            self._loaded = (name, weights)
        return self._network

    def representation(self, name: str, weights: str | None = None) -> Representation:
        """Return the representation of that name; see `catalog.representation`."""
        network = self.network_of(name, weights)
        if name not in self._representations:
            layer = LayerName.parse(name).layer
            found = (
                catalog.representation(name)
                if network is None
                else catalog.layer_of(network, layer)
            )
            self._representations[name] = found
        return self._representations[name]

    def network_of(self, name: str, weights: str | None = None) -> Network | None:
        """Return the network that a layer belongs to; None if the representation is no layer."""
        parsed = LayerName.parse(name)
        if not (parsed.network and parsed.layer):
            return None
        return self.network(parsed.network, weights)

    def judge(self, names: tuple[str, ...]) -> Judge | None:
        """Return the judge that these networks are; None without any.

        Raises:
            ValueError: as `Judge`.
        """
        if not names:
            return None
        if self._judge is None or self._judge[0] != names:
            self._judge = names, Judge(names)
        return self._judge[1]

    def dictionaries(self, path: str, sha256: str) -> hoggle.PairedDictionaries:
        """Return HOGgle's dictionaries from a file, whose checksum must be `sha256`.

        Raises:
            ValueError: if the file has another checksum, or as `hoggle.load`.
            OSError, ModelError: as `hoggle.load`.
        """
        if self._dictionaries is None or self._dictionaries[0] != sha256:
            if checksum(Path(path)) != sha256:
                raise ValueError(f"{path}: changed since the study began: run the study again")
            self._dictionaries = sha256, hoggle.load(Path(path))
        return self._dictionaries[1]
