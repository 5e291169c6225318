"""The view of HOG, HOGb and dense SIFT that Table 4 gives: errors by method, and the pictures."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean, median, stdev

from preimage.atlas.data import Image, Layer, Model, Picture
from preimage.loss_weight import format_weight
from preimage.paper.table4 import HOGGLE, METHODS, published
from preimage.studies.trial import Trial


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table; numbers that are unknown are None.

    Attributes:
        error: mean error of the inversions in percent.
        deviation: its sample deviation over photos.
        seconds: median processor time of an inversion.
        photos: the number of photos.
    """

    representation: str
    method: str
    is_published: bool
    error: float
    deviation: float | None
    seconds: float | None = None
    psnr: float | None = None
    ssim: float | None = None
    photos: int | None = None


@dataclass(frozen=True, slots=True)
class PhotoPanel:
    """A photo, and its inversions by representation, each with the name of its method."""

    name: str
    photo: Image | None
    pictures: dict[str, list[tuple[str, Picture]]]


def method_of(trial: Trial) -> str:
    """Return the name of the method of an inversion: one of Table 4, or solver and C."""
    if trial.settings is None:
        return HOGGLE
    known = {settings: name for name, settings in METHODS.items()}
    if trial.settings in known:
        return known[trial.settings]
    return f"{trial.settings.solver.name}, C {format_weight(trial.settings.loss_weight)}"


def table_rows(model: Model) -> list[Row]:
    """Return the published errors, then those of the pictures, by representation."""
    rows = []
    for layer in model.layers:
        for (name, method), (error, deviation) in published().items():
            if name == layer.title:
                rows.append(Row(name, method, True, error, deviation))
        methods: dict[str, list[Picture]] = {}
        for photo in layer.inversions:
            for method, picture in _by_method(photo.pictures):
                methods.setdefault(method, []).append(picture)
        rows += [_row(layer, method, several) for method, several in methods.items()]
    return rows


def _by_method(pictures: list[Picture]) -> list[tuple[str, Picture]]:
    """Return pictures with the names of their methods, in the order of Table 4, others last."""
    order = [*METHODS, HOGGLE]
    named = [(method_of(picture.trial), picture) for picture in pictures]
    return sorted(named, key=lambda one: order.index(one[0]) if one[0] in order else len(order))


def _row(layer: Layer, method: str, pictures: list[Picture]) -> Row:
    """Return the means of a method."""
    measured = [picture.measures for picture in pictures]
    errors = [100 * m.error for m in measured if m.error is not None]

    worked = [m.processor_seconds for m in measured if m.processor_seconds is not None]

    def mean(values: list[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return fmean(known) if known else None

    return Row(
        layer.title, method, False,
        error=fmean(errors) if errors else 0.0,
        deviation=stdev(errors) if len(errors) > 1 else None,
        seconds=median(worked) if worked else None,
        psnr=mean([m.psnr for m in measured]),
        ssim=mean([m.ssim for m in measured]),
        photos=len({picture.trial.photo_sha256 for picture in pictures}),
    )  # fmt: skip


def photo_panels(model: Model) -> list[PhotoPanel]:
    """Return each photo with its inversions."""
    panels: dict[str, PhotoPanel] = {}
    for layer in model.layers:
        for row in layer.inversions:
            key = row.pictures[0].trial.photo_sha256 or row.name
            panel = panels.setdefault(key, PhotoPanel(row.name, row.photo, {}))
            panel.pictures[layer.title] = _by_method(row.pictures)
    return list(panels.values())
