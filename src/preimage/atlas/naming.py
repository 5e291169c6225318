"""Names that a judge gives to pictures, kept in a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from PIL import Image

from preimage.atlas.data import Names
from preimage.files import sha256, write_whole
from preimage.studies.loader import Loader

_BETWEEN_WRITES = 100


def check_judge(judge: tuple[str, ...], loader: Loader) -> None:
    """Load a judge, to see before any work whether it can name pictures.

    Raises:
        ValueError: if it cannot be loaded or has no classes.
    """
    found = loader.judge(judge)
    if found is not None:
        found.check_has_classes()


def name_pictures(
    pictures: Mapping[str, Path],
    judge: tuple[str, ...],
    loader: Loader,
    folder: Path,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Names]:
    """Return the names that a judge gives to pictures, by the keys of their trials.

    Names that are in the folder already are taken from there.

    Args:
        pictures: the files of the pictures, by key.
        judge: the networks that judge.
        loader: keeps the judge.
        folder: where the names are kept.
        progress: called with the number of pictures done and of all pictures.

    Raises:
        ValueError: if the judge cannot be loaded or has no classes.
        OSError: if a picture cannot be read, or the folder cannot be written.
    """
    if not judge:
        return {}
    file = folder / f"names-{sha256(json.dumps(judge).encode())[:16]}.json"
    found = _read(file)
    lacking = [key for key in pictures if key not in found]
    if lacking and (networks := loader.judge(judge)) is not None:
        try:
            for n, key in enumerate(lacking):
                if progress is not None:
                    progress(n, len(lacking))
                with Image.open(pictures[key]) as picture:
                    found[key] = networks.names(picture)
                if n % _BETWEEN_WRITES == _BETWEEN_WRITES - 1:
                    _write(file, found)
        finally:
            _write(file, found)
    return {key: found[key] for key in pictures}


def _read(file: Path) -> dict[str, Names]:
    """Return the names in a file; nothing if it is missing or damaged."""
    try:
        listed = json.loads(file.read_text(encoding="utf-8"))
        return {
            str(key): tuple((str(name), float(chance)) for name, chance in names)
            for key, names in listed.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _write(file: Path, names: Mapping[str, Names]) -> None:
    with write_whole(file) as partial:
        partial.write_text(json.dumps(names), encoding="utf-8")
