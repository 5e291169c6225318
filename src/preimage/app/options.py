"""The options of the live app: networks, address, workers and limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from preimage.checks import MOST_THREADS, whole
from preimage.models import efficientnet_lite, sources, zoo, zoo_files
from preimage.models.errors import ModelError
from preimage.names import unknown

LOCAL = "127.0.0.1"
"""The address that only this machine can open."""
PORT = 7860


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that a visitor of the app may ask for.

    Attributes:
        bytes: of a file that is uploaded.
        pixels: of a photo that is uploaded.
        side: length in pixels of the longer side of a result.
        pictures: number of results of one run.
        steps: number of steps of one run.
        waiting: number of calls that wait in the queue, those of all visitors together.
        message: bytes of a request other than an upload.
        calls: number of calls at once: runs, uploads and changes of a choice.
        calls_per_second: number of calls per second in the long run.
        reads: number of other requests at once, such as for pictures.
        reads_per_second: number of other requests per second in the long run.
        connections: number of open connections, those of all visitors together.
        folder: bytes of uploads and results on disk, those of all visitors together.
        kept: seconds for which an upload or a result is kept after its last use.
    """

    bytes: int = 20 * 2**20
    pixels: int = 32_000_000
    side: int = 640
    pictures: int = 16
    steps: int = 2000
    waiting: int = 20
    message: int = 256_000
    calls: int = 30
    calls_per_second: float = 3.0
    reads: int = 400
    reads_per_second: float = 100.0
    connections: int = 200
    folder: int = 500 * 2**20
    kept: float = 3600.0


@dataclass(frozen=True, slots=True)
class AppOptions:
    """The options of the app, as given at its start.

    Attributes:
        networks: networks to choose from beside those whose weights are on this machine.
        host: the address to listen at.
        port: the port; 0 takes a free one.
        workers: number of runs at a time, each in a process of its own.
        names: host names under which the app may be opened, beside numeric addresses, localhost and
            this machine's own name, such as that of a proxy.
        limits: the most that a visitor may ask for.

    Raises:
        ValueError: if a network is unknown or lacks its weights, or a number is out of range.
    """

    networks: tuple[str, ...] = ()
    host: str = LOCAL
    port: int = PORT
    workers: int = 2
    names: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        whole("port", self.port, least=0, most=65535)
        whole("workers", self.workers, least=1, most=MOST_THREADS)
        _check_networks(self.networks)

    @property
    def all_networks(self) -> tuple[str, ...]:
        """The networks that were named, and those whose weights are on this machine, each once."""
        return tuple(dict.fromkeys((*self.networks, *_networks_here())))


def _check_networks(names: Sequence[str]) -> None:
    """Raise ValueError for a name that is no network's, or a network without weights here."""
    known = (*sources.NETWORKS, *(f"{source}:MODEL" for source in sources.SOURCES))
    for name in names:
        if not sources.is_network(name):
            raise ValueError(unknown("network", name, known))
        if name in sources.NETWORKS and name not in _networks_here():
            raise ModelError(f"{name}: no weights on this machine; preimage models says where from")


def _networks_here() -> list[str]:
    """Return the networks with names of their own whose weights are on this machine."""
    lite = [n for n in efficientnet_lite.VARIANTS if efficientnet_lite.find_weight_file(n)]
    return [*lite, *(name for name in zoo.NETWORKS if zoo_files.is_installed(name))]
