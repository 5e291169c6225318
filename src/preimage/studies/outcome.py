"""What a trial came to, and what is known about one that is in a store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from preimage.studies.trial import Trial


@dataclass(frozen=True, slots=True)
class Measures:
    """The numbers of one result.

    Attributes:
        error: of an inversion, ||Phi(x*) - Phi_0|| / ||Phi_0||, as a fraction; None of others.
        psnr: of an inversion, decibels against the photo.
        ssim: structural similarity with it; None for images below 11 pixels.
        naturalness: intersection of the histograms of gradients of result and photo, 0 to 1.
        class_agrees: whether the network puts photo and result in the same class; None where
            there are no classes.
        energy: the last value of Eq. 1.
        steps: evaluations of it.
        seconds: how long this trial took.
        response: of a maximization, the response of the component; of a caricature, how many
            times stronger than to the photo the response is; None of an inversion.
    """

    error: float | None
    psnr: float | None
    ssim: float | None
    naturalness: float | None
    class_agrees: bool | None
    energy: float | None
    steps: int
    seconds: float
    response: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A trial that was carried out.

    Attributes:
        key: of the trial.
        measures: its numbers.
        image: x* in the core's units, (D, H, W).
        picture: the same to be looked at, 8 bits, (H, W) or (H, W, 3).
        machine: versions, threads and device.
    """

    key: str
    measures: Measures
    image: np.ndarray
    picture: np.ndarray
    machine: dict[str, str]


@dataclass(frozen=True, slots=True)
class Failure:
    """A trial that could not be carried out, and why."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Record:
    """A trial of a study as a store knows it.

    Attributes:
        trial: what it is.
        status: "done", "failed", or "missing" where it was not carried out yet.
        measures: the numbers of one that is done.
        reason: why one failed.
        picture: file of the picture, where done.
        image: file of x* in the core's units, float32 (D, H, W), where done.
    """

    trial: Trial
    status: Literal["done", "failed", "missing"]
    measures: Measures | None = None
    reason: str | None = None
    picture: Path | None = None
    image: Path | None = None
