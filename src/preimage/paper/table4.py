"""Table 4 and Figure 4: inversions of HOG, HOGb and dense SIFT (section 5.1)."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from preimage.paper.figures import Panel
from preimage.presets import CLASSICAL_QUALITIES, NNPREIMAGE
from preimage.settings import Settings
from preimage.studies.trial import Trial, checksum

NAME = "table4"
REPRESENTATIONS = ("hog", "hogb", "dsift")
METHODS: dict[str, Settings] = {"algorithm-1": NNPREIMAGE, **CLASSICAL_QUALITIES}
"""The methods that are compared with the published errors."""
HOGGLE = "HOGgle (trained by us)"
FIGURE_4 = "fig4"
_FIGURE_4_METHODS = ("algorithm-1", "fast")
"""The paper's method, and the default one."""


def published() -> dict[tuple[str, str], tuple[float, float]]:
    """Return the published mean error and its deviation in %, by representation and method.

    >>> published()["hog", "paper"]
    (36.6, 17.3)
    """
    text = (files("preimage") / "paper/published/table4.csv").read_text(encoding="utf-8")
    return {
        (row["representation"], row["method"]): (float(row["error_mean"]), float(row["error_std"]))
        for row in csv.DictReader(text.splitlines())
    }


def trials(
    photos: Sequence[Path], size: int | tuple[int, int] | None, dictionaries: Path | None = None
) -> list[Trial]:
    """Return the trials of the table: each photo by each representation and method.

    `size` is the longer side, or height and width, of the resized photos. If dictionaries are
    given, HOG is also inverted by HOGgle.
    """
    kinds: list[dict[str, Any]] = [
        {"representation": name, "settings": settings}
        for name in REPRESENTATIONS
        for settings in METHODS.values()
    ]
    if dictionaries is not None:
        kinds.append({"representation": "hog", "dictionaries": str(dictionaries.absolute())})
        kinds[-1]["dictionaries_sha256"] = checksum(dictionaries)
    found: dict[str, Trial] = {}
    for photo in photos:
        content = checksum(photo)
        for kind in kinds:
            trial = Trial(photo=str(photo), photo_sha256=content, size=size, **kind)
            found[trial.key] = trial
    return list(found.values())


def figure4_trials(
    photos: Sequence[Path], size: int | tuple[int, int] | None, dictionaries: Path | None = None
) -> list[Trial]:
    """Return those trials of the table that Figure 4 shows; the arguments are those of `trials`."""
    shown = (*_FIGURE_4_METHODS, HOGGLE)
    return [trial for trial in trials(photos, size, dictionaries) if method_of(trial) in shown]


def method_of(trial: Trial) -> str:
    """Return the name of the method of a trial of the table."""
    by_settings = {settings: name for name, settings in METHODS.items()}
    return HOGGLE if trial.settings is None else by_settings[trial.settings]


def rows(found: Sequence[Trial], photos: int = 2) -> list[list[Panel]]:
    """Return the panels of a picture like Figure 4: a row for each photo and representation.

    Only the first `photos` photos are shown.
    """
    shown = list(dict.fromkeys(trial.photo for trial in found))[:photos]
    groups: dict[tuple[str | None, str], list[Trial]] = {}
    for trial in found:
        groups.setdefault((trial.photo, trial.representation), []).append(trial)
    return [
        [
            Panel(Path(photo or "").stem, (alike[0],), is_photo=True),
            *(Panel(f"{name}, {method_of(trial)}", (trial,)) for trial in alike),
        ]
        for (photo, name), alike in groups.items()
        if photo in shown
    ]


def figure4_rows(found: Sequence[Trial]) -> list[list[Panel]]:
    """Return the panels of Figure 4: a row for each photo and method, HOGgle in the first one.

    The paper's columns are the photo, HOGgle, HOG, HOGb and dense SIFT.
    """
    rows = []
    for photo in dict.fromkeys(trial.photo for trial in found):
        of_photo = [trial for trial in found if trial.photo == photo]
        baseline = [trial for trial in of_photo if method_of(trial) == HOGGLE]
        for method in _FIGURE_4_METHODS:
            alike = [trial for trial in of_photo if method_of(trial) == method]
            rows.append([
                Panel(Path(photo or "").stem, (alike[0],), is_photo=True),
                *(Panel("hog, HOGgle", (trial,)) for trial in baseline),
                *(Panel(f"{trial.representation}, {method}", (trial,)) for trial in alike),
            ])  # fmt: skip
            baseline = []
    return rows
