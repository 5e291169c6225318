"""The options of an atlas beside its records, and those of a store's last atlas.

The last atlas's photos and judge are those of the next one, if none are given.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from preimage.files import cache_folder, sha256, write_whole
from preimage.reporting.results import check_writable

_FILE = "options.json"


@dataclass(frozen=True, slots=True)
class Options:
    """The options of an atlas: what it shows beside the results.

    Attributes:
        kept: the folder where measured responses and names are kept.
        reference: the photos that channels respond to.
        judge: networks that name the pictures.
        device: where responses are measured.
        progress: called with what is being done, how much of it is done, and how much there is.
    """

    kept: Path
    reference: Sequence[Path]
    judge: tuple[str, ...] = ()
    device: str = "cpu"
    progress: Callable[[str, int, int], None] | None = None

    def report(self, what: str) -> Callable[[int, int], None]:
        """Return a function that reports the progress of one thing."""
        progress = self.progress or (lambda what, done, total: None)
        return lambda done, total: progress(what, done, total)


def kept_folder(store: Path) -> Path:
    """Return the folder where what was measured for a store's atlas is kept.

    It is in the store or, if the store cannot be written, in the cache folder.
    """
    try:
        check_writable(store)
    except OSError:
        return cache_folder() / "atlas" / sha256(str(store.absolute()).encode())[:16]
    return store / "atlas"


def recall(folder: Path) -> tuple[list[Path] | None, tuple[str, ...]]:
    """Return reference photos and judge that `remember` wrote; None and () if there are none.

    Photos that are gone are left out.
    """
    try:
        found = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        photos = [path for name in found["reference"] if (path := Path(name)).is_file()]
        return photos or None, tuple(str(name) for name in found["judge"])
    except (OSError, ValueError, KeyError, TypeError):
        return None, ()


def remember(folder: Path, reference: Sequence[Path], judge: Sequence[str]) -> None:
    """Write reference photos and judge into a folder.

    Raises:
        OSError: if the folder cannot be written.
    """
    options = {"reference": [str(path.absolute()) for path in reference], "judge": list(judge)}
    with write_whole(folder / _FILE) as partial:
        partial.write_text(json.dumps(options, indent=1), encoding="utf-8")
