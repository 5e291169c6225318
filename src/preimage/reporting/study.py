"""The report of a study: means, the plot of error over C, pictures, and what failed."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from preimage.reporting.plots import plot_errors
from preimage.reporting.study_pictures import write_pictures
from preimage.reporting.tables import write_table
from preimage.settings import Settings
from preimage.studies.outcome import Measures, Record
from preimage.studies.summary import (
    Mean,
    MeanResponse,
    summarize,
    summarize_responses,
    varied_constants,
)

_SPREAD = {
    "invert": "± is the standard deviation of the error over photos and seeds.",
    "maximize": "± is the standard deviation of the response over seeds; M is the largest "
    "response to photos.",
    "caricature": "± is the standard deviation over photos and seeds.",
}

HEADER = ("error %", "PSNR", "SSIM", "natural", "class %", "seconds", "n")


def write_report(folder: Path, study: str, records: Sequence[Record]) -> list[Path]:
    """Writes report.csv, .md and .tex and, of what is done, pictures.

    Of inversions, report.png and .pdf are the plot of error over C. All results of a
    representation stand in report.REPRESENTATION.png.

    Args:
        folder: where to; it must be there.
        study: its name.
        records: its trials.
    """
    stem = folder / "report"
    header, rows = format_study(records)
    paths = write_table(stem, header, rows, _heading(study, records))
    if means := summarize(records):
        series: dict[str, list[tuple[float | str, Mean]]] = {}
        for mean in means:
            words = (f"{k} {v:g}" if isinstance(v, float) else f"{k} {v}" for k, v in mean.varied)
            label = " ".join([mean.representation, *words])
            series.setdefault(label, []).append((mean.loss_weight, mean))
        paths += plot_errors(stem, series, "C")
    return paths + write_pictures(stem, records)


def format_study(records: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """Header and cells of the means of a study, as text: of errors, or of responses."""
    if records and records[0].trial.visualization != "invert":
        return format_responses(summarize_responses(records))
    return format_rows(summarize(records))


def format_responses(means: Sequence[MeanResponse]) -> tuple[list[str], list[list[str]]]:
    """Header and cells of the table of responses, in M or in that of the photo."""
    varied = [name for name, _ in means[0].varied] if means else []
    of_photos = bool(means) and means[0].maximum is None
    columns = ["times the photo's"] if of_photos else ["component", "M", "response", "times M"]
    rows = []
    for m in means:
        response, deviation = m.response, m.response_std or 0
        measured = [_spread(response, deviation, m.count)]
        if m.maximum is not None:
            relative = _spread(response / m.maximum, deviation / m.maximum, m.count)
            measured = [m.component, f"{m.maximum:.4g}", *measured, relative]
        settings = [f"{m.loss_weight:g}", *(str(value) for _, value in m.varied)]
        rows.append([m.representation, *settings, *measured, f"{m.seconds:.2f}", str(m.count)])
    return ["representation", "C", *varied, *columns, "seconds", "n"], rows


def _spread(value: float, deviation: float, count: int) -> str:
    return f"{value:.3g}" if count == 1 else f"{value:.3g} ± {deviation:.2g}"


def format_rows(means: Sequence[Mean]) -> tuple[list[str], list[list[str]]]:
    """Header and cells of the table of means, as text."""
    varied = [name for name, _ in means[0].varied] if means else []
    header = ["representation", "C", *varied, *HEADER]
    return header, [
        [m.representation, f"{m.loss_weight:g}", *(str(v) for _, v in m.varied), *format_mean(m)]
        for m in means
    ]


def format_mean(m: Mean) -> list[str]:
    """The numbers of a mean as text, in the order of `HEADER`."""
    agreement = None if m.class_agreement is None else 100 * m.class_agreement
    return [
        format_error(m.error, m.error_std),
        *(_number(v, d) for v, d in ((m.psnr, 1), (m.ssim, 2), (m.naturalness, 2), (agreement, 0))),
        _number(m.seconds, 2),
        str(m.count),
    ]


def format_error(error: float, deviation: float | None) -> str:
    """An error in percent with its deviation.

    >>> format_error(0.123, 0.04)
    '12.3 ± 4.0'
    """
    text = f"{100 * error:.1f}"
    return text if deviation is None else f"{text} ± {100 * deviation:.1f}"


def write_export(path: Path, records: Sequence[Record]) -> None:
    """Writes every trial of a study with its numbers, one a row: CSV, or Parquet by suffix.

    Raises:
        ValueError: if the suffix is another, or Parquet cannot be written here.
    """
    rows = [_flat(record) for record in records]
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]) if rows else [])
            writer.writeheader()
            writer.writerows(rows)
    elif path.suffix == ".parquet":
        try:
            import pyarrow
            import pyarrow.parquet
        except ModuleNotFoundError:
            raise ValueError('Parquet needs pyarrow: pip install "preimage[parquet]"') from None
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    else:
        raise ValueError(f"cannot write {path}: an export ends in .csv or .parquet")


def _heading(study: str, records: Sequence[Record]) -> str:
    counts = dict.fromkeys(("done", "failed", "missing"), 0)
    for record in records:
        counts[record.status] += 1
    states = ", ".join(f"{count} {status}" for status, count in counts.items())
    lines = [f"# {study}", "", f"{len(records)} trials: {states}."]
    if varied := varied_constants(records):
        lines.append(f"Varied besides C: {', '.join(varied)}.")
    visualization = records[0].trial.visualization if records else "invert"
    lines.append(_SPREAD[visualization])
    failed = [record for record in records if record.status == "failed"]
    if failed:
        lines += ["", "Failed:", ""]
        lines += [
            f"- {r.trial.representation}, {r.trial.photo or r.trial.subject}, "
            f"C {r.trial.weight:g}, seed {r.trial.seed}: {r.reason}"
            for r in failed
        ]
    return "\n".join(lines) + "\n\n"


def _flat(record: Record) -> dict[str, Any]:
    trial = record.trial
    row: dict[str, Any] = {"key": trial.key, "status": record.status}
    left_out = {"settings", "mask", "size", "photo_sha256", "component", "maximum_sha256"}
    row |= trial.model_dump(exclude=left_out, mode="json")
    row |= {"component": None if trial.component is None else str(trial.component)}
    row |= {"size": None if trial.size is None else str(trial.size)}
    mask = json.dumps(trial.mask.named())
    constants = trial.settings.constants()
    row |= {"mask": mask, **dict.fromkeys(Settings().constants()), "stages": None, **constants}
    row["stages"] = str(constants["stages"]) if "stages" in constants else None
    for field in dataclasses.fields(Measures):
        row[field.name] = getattr(record.measures, field.name, None)
    row["reason"] = record.reason
    row["picture"] = None if record.picture is None else str(record.picture)
    return row


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
