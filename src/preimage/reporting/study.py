"""The report of a study: means, a plot of error over C, pictures, and failures."""

from __future__ import annotations

import csv
import dataclasses
import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preimage.extras import install_command
from preimage.files import write_whole
from preimage.loss_weight import LossWeight, format_weight
from preimage.reporting.plots import plot_errors
from preimage.reporting.study_pictures import write_pictures
from preimage.reporting.tables import format_error, format_judged, format_number, write_table
from preimage.studies.measures import Measures
from preimage.studies.outcome import Record
from preimage.studies.summary import Mean, summarize, summarize_responses, varied_constants
from preimage.tables import Table

_DEVIATIONS = {
    "invert": "± is the standard deviation of the error over photos and seeds.",
    "maximize": "± is the standard deviation of the response over seeds; M is the largest "
    "response to photos.",
    "caricature": "± is the standard deviation over photos and seeds.",
}
_SHOWN = 100
"""The most means that a report shows of itself."""
_MEASURES = ("error %", "PSNR", "SSIM", "natural", "class %", "seconds", "n")


@dataclass(frozen=True, slots=True, repr=False)
class StudyReport:
    """The means of a study as a table, and what failed; a notebook shows it.

    Attributes:
        study: the name of the study.
        records: its trials, from `Store.records`.
    """

    study: str
    records: Sequence[Record]

    def table(self) -> Table:
        """Return the means, a row each."""
        return Table(*format_study(self.records))

    def write(self, folder: Path) -> list[Path]:
        """Write the report to an existing folder; return its files."""
        return write_report(folder, self.study, self.records)

    def __str__(self) -> str:
        table = self.table().first(_SHOWN)
        failures = (f"failed: {failure}" for failure in _failures(self.records))
        return "\n".join([self.study, *_about(self.records), str(table), *failures])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return the same as HTML, for notebooks."""
        about = "".join(f"<p>{html.escape(line)}</p>" for line in _about(self.records))
        failures = "".join(f"<li>{html.escape(line)}</li>" for line in _failures(self.records))
        table = self.table().first(_SHOWN)._repr_html_()
        failed = f"<p>Failed:</p><ul>{failures}</ul>" if failures else ""
        return f"<h3>{html.escape(self.study)}</h3>{about}{table}{failed}"


def write_report(folder: Path, study: str, records: Sequence[Record]) -> list[Path]:
    """Write report.csv, .md and .tex, and pictures of the results, to an existing folder.

    For inversions, report.png and .pdf are a plot of error over C. The pictures of each
    representation are in report.REPRESENTATION.png.
    """
    stem = folder / "report"
    header, rows = format_study(records)
    paths = write_table(stem, header, rows, _heading(study, records))
    if means := summarize(records):
        series: dict[str, list[tuple[float | str, Mean]]] = {}
        for mean in means:
            words = (f"{k} {v:g}" if isinstance(v, float) else f"{k} {v}" for k, v in mean.varied)
            label = " ".join([mean.representation, *words])
            if isinstance(mean.loss_weight, int | float):
                series.setdefault(label, []).append((mean.loss_weight, mean))
        paths += plot_errors(stem, series, "C")
    return paths + write_pictures(stem, records)


def format_study(records: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """Return header and cells of a study's means as text: means of errors or of responses."""
    if records and records[0].trial.visualization != "invert":
        return _format_responses(records)
    return format_errors(summarize(records))


def format_errors(means: Sequence[Mean]) -> tuple[list[str], list[list[str]]]:
    """Return header and cells of the means of inversions as text."""
    varied = [name for name, _ in means[0].varied] if means else []
    judged, said = format_judged([m.judged for m in means])
    rows = []
    for m, more in zip(means, said, strict=True):
        agreement = None if m.class_agreement is None else 100 * m.class_agreement
        numbers = ((m.psnr, 1), (m.ssim, 2), (m.naturalness, 2), (agreement, 0), (m.seconds, 2))
        rows.append([
            m.representation, _weight(m.loss_weight), *(str(value) for _, value in m.varied),
            format_error(m.error, m.error_std),
            *(format_number(value, digits) for value, digits in numbers), str(m.count), *more,
        ])  # fmt: skip
    return ["representation", "C", *varied, *_MEASURES, *judged], rows


def _format_responses(records: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """Return header and cells of the means of responses, also in units of M."""
    means = summarize_responses(records)
    varied = [name for name, _ in means[0].varied] if means else []
    of_photos = bool(means) and means[0].maximum is None
    columns = ["times the photo's"] if of_photos else ["component", "M", "response", "times M"]
    judged, said = format_judged([m.judged for m in means])
    rows = []
    for m, more in zip(means, said, strict=True):
        response, deviation = m.response, m.response_std or 0
        measured = [_with_deviation(response, deviation, m.count)]
        if m.maximum is not None:
            relative = _with_deviation(response / m.maximum, deviation / m.maximum, m.count)
            measured = [m.component or "", f"{m.maximum:.4g}", *measured, relative]
        constants = [_weight(m.strength), *(str(value) for _, value in m.varied)]
        cost = [f"{m.seconds:.2f}", str(m.count)]
        rows.append([m.representation, *constants, *measured, *cost, *more])
    return ["representation", "strength", *varied, *columns, "seconds", "n", *judged], rows


def write_export(path: Path, records: Sequence[Record]) -> None:
    """Write every trial of a study as a row with its numbers, to a .csv or .parquet file.

    Raises:
        ValueError: if the suffix is another, or Parquet is asked for without pyarrow.
    """
    found = [_flat(record) for record in records]
    columns = list(dict.fromkeys(name for row in found for name in row))
    rows = [{name: row.get(name) for name in columns} for row in found]
    if path.suffix == ".csv":
        with write_whole(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
    elif path.suffix == ".parquet":
        try:
            import pyarrow
            import pyarrow.parquet
        except ModuleNotFoundError:
            raise ValueError(f"Parquet needs pyarrow: {install_command('parquet')}") from None
        with write_whole(path) as partial:
            pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), partial)
    else:
        raise ValueError(f"cannot write {path}: an export ends in .csv or .parquet")


def _heading(study: str, records: Sequence[Record]) -> str:
    """Return the text above the table: how many trials there are, and which failed."""
    lines = [f"# {study}", "", *_about(records)]
    if failures := _failures(records):
        lines += ["", "Failed:", "", *(f"- {failure}" for failure in failures)]
    return "\n".join(lines) + "\n\n"


def _about(records: Sequence[Record]) -> list[str]:
    """Return sentences about a study: how many trials there are, what varies, what ± means."""
    counts = dict.fromkeys(("done", "failed", "missing"), 0)
    for record in records:
        counts[record.status] += 1
    states = ", ".join(f"{count} {status}" for status, count in counts.items())
    lines = [f"{len(records)} trials: {states}."]
    visualization = records[0].trial.visualization if records else "invert"
    if varied := varied_constants(records):
        weight = "C" if visualization == "invert" else "the strength"
        lines.append(f"Varied besides {weight}: {', '.join(varied)}.")
    return [*lines, _DEVIATIONS[visualization]]


def _failures(records: Sequence[Record]) -> list[str]:
    """Return the trials that failed, each with the reason."""
    failed = [record for record in records if record.status == "failed"]
    return [f"{record.trial.description}: {record.reason}" for record in failed]


def _flat(record: Record) -> dict[str, Any]:
    """Return the row of a trial, with all that is known about it."""
    trial = record.trial
    row: dict[str, Any] = {"key": trial.key, "status": record.status}
    left_out = {"settings", "mask", "size", "channel", "position", "class_name", "judge"}
    row |= trial.model_dump(exclude=left_out | {"diversity", "seeds"}, mode="json")
    row |= {"component": trial.component, "size": trial.size and json.dumps(trial.size)}
    row |= {"mask": json.dumps(trial.mask.named()), **trial.constants}
    for field in dataclasses.fields(Measures):
        value = getattr(record.measures, field.name, None)
        row[field.name] = row.get(field.name) if value is None else value
    if (judged := row.pop("judged")) is not None:
        row |= {"judge": ", ".join(trial.judge), **dataclasses.asdict(judged)}
    picture = None if record.picture is None else record.picture.absolute()
    row |= {"reason": record.reason, "picture": picture}
    plain = str | int | float | None
    return {
        name: value if isinstance(value, plain) else _json(value) for name, value in row.items()
    }


def _json(value: Any) -> str:
    """Return a value as JSON; the path of a file as it is.

    >>> _json(((8, 1.0), (22, 0.7)))
    '[[8, 1.0], [22, 0.7]]'
    """
    return str(value) if isinstance(value, Path) else json.dumps(value)


def _with_deviation(value: float, deviation: float, count: int) -> str:
    """Return a number, with its deviation if it is a mean of several."""
    return f"{value:.3g}" if count == 1 else f"{value:.3g} ± {deviation:.2g}"


def _weight(value: LossWeight | None) -> str:
    """Return C or the strength as text; nothing for HOGgle."""
    return "" if value is None else format_weight(value)
