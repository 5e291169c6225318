"""Table 4: how accurately HOG, HOGb and DSIFT are inverted (section 5.1).

Every photo is inverted from every representation. A measurement is one JSON file in the
store, written after its picture and under its final name only when complete, so that a run
that was stopped goes on where it was. Its name is a hash of all it depends on: the photo's
content, representation, settings, size and seed.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from statistics import fmean, stdev

from torch import Tensor

from preimage.catalog import representation
from preimage.images import ImageError
from preimage.optimizer import Progress
from preimage.settings import NNPREIMAGE, QUALITIES, Settings
from preimage.visualizations import PreImage, invert

REPRESENTATIONS = ("hog", "hogb", "dsift")
METHODS: dict[str, Settings] = {"algorithm-1": NNPREIMAGE, **QUALITIES}
"""What is compared with the published figures."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One photo inverted from one representation by one method.

    Attributes:
        photo: its file name.
        representation: its name.
        method: a key of `METHODS`.
        error: reconstruction error as a fraction.
        seconds: how long the inversion took.
        psnr: decibels.
        ssim: structural similarity.
        picture: file name of the reconstruction in the store.
    """

    photo: str
    representation: str
    method: str
    error: float
    seconds: float
    psnr: float
    ssim: float
    picture: str


@dataclass(frozen=True, slots=True)
class Summary:
    """Mean and standard deviation over the photos, as a cell of Table 4; errors in percent."""

    representation: str
    method: str
    error_mean: float
    error_std: float
    seconds: float | None = None
    psnr: float | None = None
    ssim: float | None = None
    photos: int | None = None


def published() -> list[Summary]:
    """The figures of Table 4 as printed."""
    text = (files("preimage") / "experiments/published/table4.csv").read_text()
    return [
        Summary(
            row["representation"],
            row["method"],
            error_mean=float(row["error_mean"]),
            error_std=float(row["error_std"]),
        )
        for row in csv.DictReader(text.splitlines())
    ]


def measure(
    photo: Path,
    store: Path,
    *,
    size: int = 320,
    seed: int = 0,
    progress: Callable[[Progress], None] | None = None,
) -> list[Measurement]:
    """Measurements of one photo; only those that the store does not hold are made.

    Args:
        photo: an image file.
        store: a folder.
        size: the longer side that the photo is reduced to.
        seed: of the noise.
        progress: called after each step of an inversion.

    Raises:
        ImageError: if the photo cannot be used.
        KeyboardInterrupt: after an interrupted inversion, which is not kept.
    """
    try:
        content = hashlib.sha256(photo.read_bytes()).hexdigest()
    except OSError as error:
        raise ImageError(f"{photo}: {error.strerror}") from None
    measurements = []
    for name in REPRESENTATIONS:
        for method, settings in METHODS.items():
            parts = [content, name, method, size, seed, dataclasses.asdict(settings)]
            key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
            record = store / f"{key}.json"
            if not (record.exists() and record.with_suffix(".png").exists()):
                begin = time.perf_counter()
                try:
                    result = invert(
                        representation(name), photo, size=size, seeds=[seed], settings=settings,
                        progress=progress,
                    )  # fmt: skip
                except ImageError:
                    raise
                except (ValueError, ArithmeticError) as error:
                    raise ImageError(f"{photo}: {error}") from None
                if result.interrupted:
                    raise KeyboardInterrupt
                _keep(record, result, (photo.name, name, method), time.perf_counter() - begin)
            kept = Measurement(**json.loads(record.read_text()))
            measurements.append(dataclasses.replace(kept, photo=photo.name))
    return measurements


def summarize(measurements: Sequence[Measurement]) -> list[Summary]:
    """Mean and standard deviation over the photos, for each representation and method."""
    groups: dict[tuple[str, str], list[Measurement]] = {}
    for m in measurements:
        groups.setdefault((m.representation, m.method), []).append(m)
    summaries = []
    for (name, method), group in groups.items():
        errors = [100 * m.error for m in group]
        summaries.append(
            Summary(
                name,
                method,
                error_mean=fmean(errors),
                error_std=stdev(errors) if len(errors) > 1 else 0.0,
                seconds=fmean(m.seconds for m in group),
                psnr=fmean(m.psnr for m in group),
                ssim=fmean(m.ssim for m in group),
                photos=len(group),
            )
        )
    return summaries


def _keep(record: Path, result: PreImage, what: tuple[str, str, str], seconds: float) -> None:
    """Writes the picture, then the record of the measurement, complete or not at all."""
    picture = record.with_suffix(".png")
    result.save(str(picture))
    measurement = Measurement(
        *what,
        error=float(result.error),
        seconds=seconds,
        psnr=_number(result.psnr),
        ssim=_number(result.ssim),
        picture=picture.name,
    )
    partial = record.with_suffix(".partial")
    partial.write_text(json.dumps(dataclasses.asdict(measurement)))
    os.replace(partial, record)


def _number(value: Tensor | None) -> float:
    return math.nan if value is None else float(value)
