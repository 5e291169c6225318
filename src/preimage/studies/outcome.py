"""The results of trials: outcomes, failures, and the records of a store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from preimage.studies.measures import Measures
from preimage.studies.trial import Trial


@dataclass(frozen=True, slots=True)
class Outcome:
    """A trial that was carried out: its key, and the numbers of its result.

    Attributes:
        image: x* in the core's units, (D, H, W).
        picture: x* as it is shown, 8 bits, (H, W) or (H, W, 3).
        versions: versions, processor and threads that the result was computed with.
        film: the run as an animated WebP file, if it was filmed.
    """

    key: str
    measures: Measures
    image: np.ndarray
    picture: np.ndarray
    versions: dict[str, str]
    film: bytes | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A trial that could not be carried out, and why."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Record:
    """A trial of a study as a store knows it; fields that do not apply to its status are None.

    Attributes:
        status: "missing" if the trial was not carried out yet.
        measures: the numbers of the result.
        reason: why the trial failed.
        picture: file of the picture.
        image: file of x* in the core's units, float32 (D, H, W).
        film: file of the film of the run, if it was filmed.
    """

    trial: Trial
    status: Literal["done", "failed", "missing"]
    measures: Measures | None = None
    reason: str | None = None
    picture: Path | None = None
    image: Path | None = None
    film: Path | None = None
