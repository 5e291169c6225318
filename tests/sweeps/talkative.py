"""A worker that reports every step."""

from __future__ import annotations

from multiprocessing.connection import Connection

from preimage.sweeps import engines

_serve = engines._serve


def serve(connection: Connection, threads: int, device: str) -> None:
    """Serve as a worker does that reports twice a second."""
    engines._SECONDS_BETWEEN_REPORTS = 0
    _serve(connection, threads, device)
