"""Files that trials depend on: photos and weights, by content."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from preimage.files import sha256
from preimage.models.state_dicts import RANDOM
from preimage.names import LayerName


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file; if it cannot be read, a text that names it."""
    try:
        return sha256(path)
    except OSError:
        return f"unreadable:{path}"


def checksum_of_all(photos: Sequence[Path]) -> str:
    """Return a SHA-256 of the contents of photos, whatever their order and names."""
    contents = sorted({checksum(photo) for photo in photos})
    return sha256("".join(contents).encode())


def weights_checksum(representation: str, weights: str | None) -> str | None:
    """Return the SHA-256 of the weight file that a trial names; None if it names none."""
    source, separator, rest = representation.partition(":")
    if weights is not None and weights != RANDOM:
        return checksum(Path(weights))
    if separator and source == "matconvnet":
        return checksum(Path(LayerName.parse(rest).network))
    return None
