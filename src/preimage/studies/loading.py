"""Representations by name, a network loaded once for all of its layers."""

from __future__ import annotations

from pathlib import Path

from preimage import catalog
from preimage.catalog import CLASSICAL
from preimage.names import LayerName
from preimage.networks import Network
from preimage.representations.base import Representation


class Loader:
    """Holds the network that was used last, and its layers.

    Attributes:
        files: where the weights lie of networks, by name and weights as trials have them, whose
            file is elsewhere on this machine.

    >>> loader = Loader()
    >>> loader.representation("hog") is loader.representation("hog")
    True
    """

    def __init__(self) -> None:
        self.files: dict[tuple[str, str | None], Path] = {}
        self._held: tuple[str, str | None] | None = None
        self._network: Network | None = None
        self._representations: dict[str, Representation] = {}

    def network(self, name: str, weights: str | None = None) -> Network:
        """The network of that name, with its weights; see `catalog.network`."""
        if self._held != (name, weights) or self._network is None:
            self._held, self._network = None, None
            self._representations.clear()
            self._network = self._load(name, weights)
            self._held = (name, weights)
        return self._network

    def _load(self, name: str, weights: str | None) -> Network:
        file = self.files.get((name, weights))
        if file is None:
            return catalog.network(name, weights)
        if weights is None and name.startswith("matconvnet:"):
            return catalog.network(f"matconvnet:{file}")
        return catalog.network(name, file)

    def representation(self, name: str, weights: str | None = None) -> Representation:
        """The representation of that name; see `catalog.representation`."""
        named = LayerName.parse(name)
        network = self.network(named.network, weights) if named.network and named.layer else None
        if name not in self._representations:
            found = catalog.representation(name) if network is None else network.layer(named.layer)
            self._representations[name] = found
        return self._representations[name]

    def network_of(self, name: str, weights: str | None = None) -> Network | None:
        """The network whose layer a representation is, None for a classical one."""
        if name.lower() in CLASSICAL:
            return None
        return self.network(LayerName.parse(name).network, weights)
