"""Table 4: how accurately HOG, HOGb and DSIFT are inverted (section 5.1).

Every photo is inverted from every representation. A measurement is one JSON file in the
store, written after its picture and under its final name only when complete, so that a run
that was stopped goes on where it was. Its name is a hash of all it depends on: the photo's
content, representation, settings, size and seed. HOGgle, the baseline, inverts HOG where its
dictionaries are given, by a pair that was learned without the photo (`hoggle`).
"""

from __future__ import annotations

import csv
import dataclasses
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from torch import Tensor

from preimage.catalog import representation
from preimage.files import sha256, write_whole
from preimage.images import ImageError, match_contrast, psnr, ssim, with_deviation
from preimage.losses import relative_error
from preimage.optimizer import Progress
from preimage.paper import hoggle
from preimage.preprocessing import GRAY
from preimage.presets import CLASSICAL_QUALITIES, NNPREIMAGE
from preimage.representations.hog import HOG
from preimage.settings import Settings
from preimage.visualizations import invert

if TYPE_CHECKING:
    from PIL import Image

REPRESENTATIONS = ("hog", "hogb", "dsift")
METHODS: dict[str, Settings] = {"algorithm-1": NNPREIMAGE, **CLASSICAL_QUALITIES}
"""What is compared with the published figures."""
HOGGLE = "HOGgle (trained by us)"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One photo inverted from one representation by one method.

    Attributes:
        photo: its file name.
        representation: its name.
        method: a key of `METHODS`, or `HOGGLE`.
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
    text = (files("preimage") / "paper/published/table4.csv").read_text()
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
    dictionaries: hoggle.PairedDictionaries | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> list[Measurement]:
    """Measurements of one photo; only those that the store does not hold are made.

    Args:
        photo: an image file.
        store: a folder.
        size: the longer side that the photo is reduced to.
        seed: of the noise.
        dictionaries: HOGgle's, to measure it too.
        progress: called after each step of an inversion.

    Raises:
        ImageError: if the photo cannot be used.
        KeyboardInterrupt: after an interrupted inversion, which is not kept.
    """
    try:
        content = sha256(photo)
    except OSError as error:
        raise ImageError(f"{photo}: {error.strerror}") from None
    measurements = []

    def add(what: tuple[str, str], constants: object, make: Callable[[], _Result]) -> None:
        parts = [content, *what, size, seed, constants]
        key = sha256(json.dumps(parts, sort_keys=True).encode())[:16]
        record = store / f"{key}.json"
        if not (record.exists() and record.with_suffix(".png").exists()):
            begin = time.perf_counter()
            try:
                result = make()
            except ImageError:
                raise
            except (ValueError, ArithmeticError) as error:
                raise ImageError(f"{photo}: {error}") from None
            _keep(record, result, (photo.name, *what), time.perf_counter() - begin)
        kept = Measurement(**json.loads(record.read_text()))
        measurements.append(dataclasses.replace(kept, photo=photo.name))

    for name in REPRESENTATIONS:
        for method, settings in METHODS.items():
            make = partial(_invert, name, photo, size, seed, settings, progress)
            add((name, method), dataclasses.asdict(settings), make)
    if dictionaries is not None:
        pair = dictionaries.unaware_of(content)
        make = partial(_invert_by_hoggle, photo, size, dictionaries, pair)
        add(("hog", HOGGLE), dictionaries.checksum(pair), make)
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


@dataclass(frozen=True, slots=True)
class _Result:
    picture: Image.Image
    error: float
    psnr: float
    ssim: float


def _invert(
    name: str,
    photo: Path,
    size: int,
    seed: int,
    settings: Settings,
    progress: Callable[[Progress], None] | None,
) -> _Result:
    result = invert(
        representation(name), photo, size=size, seeds=[seed], settings=settings, progress=progress
    )
    if result.interrupted:
        raise KeyboardInterrupt
    numbers = (_number(result.error), _number(result.psnr), _number(result.ssim))
    return _Result(result.to_pil(), *numbers)


def _invert_by_hoggle(
    photo: Path, size: int, dictionaries: hoggle.PairedDictionaries, pair: int
) -> _Result:
    """The same measures for HOGgle, whose picture has no contrast but the one it is given."""
    hog = HOG()
    original = GRAY.load(photo, size)[None]
    target = hog(original)
    found = hoggle.invert(
        target[0],
        dictionaries.image_atoms[pair],
        dictionaries.hog_atoms[pair],
        (original.shape[-2], original.shape[-1]),
    )
    image = with_deviation(found, NNPREIMAGE.typical_deviation)
    compared = match_contrast(image, original)
    return _Result(
        GRAY.to_pil(image[0]),
        error=float(relative_error(hog(image), target)),
        psnr=float(psnr(compared, original)),
        ssim=float(ssim(GRAY.to_255(compared), GRAY.to_255(original))),
    )


def _keep(record: Path, result: _Result, what: tuple[str, str, str], seconds: float) -> None:
    """Writes the picture, then the record of the measurement, complete or not at all."""
    picture = record.with_suffix(".png")
    with write_whole(picture) as partial_picture:
        result.picture.save(partial_picture)
    measurement = Measurement(
        *what,
        error=result.error,
        seconds=seconds,
        psnr=result.psnr,
        ssim=result.ssim,
        picture=picture.name,
    )
    with write_whole(record) as partial_record:
        partial_record.write_text(json.dumps(dataclasses.asdict(measurement)))


def _number(value: Tensor | None) -> float:
    return math.nan if value is None else float(value)
