"""The photos and the judge of a store's last atlas, which the next one takes if none are given."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from preimage.files import write_whole

_FILE = "options.json"


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
