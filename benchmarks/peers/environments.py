"""A virtual environment for each peer, built once and kept in the cache folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.peers.listing import Peer
from preimage.files import cache_folder

ROOT = Path(__file__).parent.parent.parent
_DONE = "complete"


class PeerError(Exception):
    """A peer cannot be installed or does not work; says why in one line."""


def folder() -> Path:
    """Where the environments lie."""
    return cache_folder() / "peers"


def python_of(peer: Peer) -> Path:
    """Return the interpreter of the peer's environment, which is built if it is missing.

    torch is that of constraints.txt; torchvision comes without its dependencies, because it
    would bring another torch where this one is for the CPU alone.

    Raises:
        PeerError: if something cannot be installed.
    """
    home = folder() / f"{peer.name}-{peer.version}"
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if (home / _DONE).exists():
        return python
    print(f"building the environment of {peer.name} {peer.version} in {home}", flush=True)
    shutil.rmtree(home, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(home)])
    pip = [str(python), "-m", "pip", "install", "--quiet", "-c", str(ROOT / "constraints.txt")]
    _run([*pip, "torch", "numpy", "pillow"])
    _run([*pip, "--no-deps", "torchvision"])
    _run([*pip, f"{peer.name}=={peer.version}", *peer.undeclared])
    (home / _DONE).touch()
    return python


def _run(command: list[str]) -> None:
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        lines = finished.stderr.strip().splitlines() or ["no reason given"]
        errors = [line for line in lines if line.startswith("ERROR")]
        raise PeerError(f"not installed: {(errors or lines[-1:])[0].removeprefix('ERROR: ')}")
