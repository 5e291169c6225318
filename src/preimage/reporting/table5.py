"""Table 5 and a table of all its measures as CSV, Markdown and LaTeX, and its curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from preimage.loss_weight import format_weight
from preimage.names import LayerName
from preimage.paper.table5 import MODEL, is_without, published
from preimage.reporting.plots import plot_errors
from preimage.reporting.study import format_errors
from preimage.reporting.tables import format_error, write_table
from preimage.studies.outcome import Record
from preimage.studies.summary import Mean, summarize


def write_table5(folder: Path, records: Sequence[Record]) -> list[Path]:
    """Write table5.csv, .md, .tex, .pdf and .png, and table5_measures.csv, .md and .tex."""
    means = summarize(records)
    header, rows = format_table5(records)
    paths = write_table(folder / "table5", header, rows)
    paths += write_table(folder / "table5_measures", *format_errors(means))
    curves: dict[str, list[tuple[float | str, Mean]]] = {}
    for mean in means:
        layer = LayerName.parse(mean.representation).layer
        curves.setdefault(_column(mean), []).append((layer, mean))
    return paths + plot_errors(folder / "table5", curves, "layer") if means else paths


def format_table5(records: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """Return header and rows: each layer's errors by C, for AlexNet also the published ones.

    Beside errors of random weights nothing is published.
    """
    means = summarize(records)
    columns = list(dict.fromkeys(_column(mean) for mean in means))
    cells = {(m.representation, _column(m)): format_error(m.error, m.error_std) for m in means}
    names = list(dict.fromkeys(mean.representation for mean in means))
    weights = sorted({m.loss_weight for m in means if isinstance(m.loss_weight, int | float)})
    is_theirs = any(name.startswith(f"{MODEL}/") for name in names)
    is_random = any(record.trial.weights == "random" for record in records)
    theirs = published() if is_theirs and not is_random else {}
    header = ["layer", *columns]
    header += [f"C = {weight:g}, published" for weight in weights if theirs]
    rows = []
    for name in names:
        layer = LayerName.parse(name).layer
        row = [layer, *(cells.get((name, column), "") for column in columns)]
        for weight in weights if theirs else []:
            mean, deviation = theirs.get((layer, weight), (None, None))
            row.append("" if mean is None else f"{mean:.1f} ± {deviation:.1f}")
        rows.append(row)
    return header, rows


def _column(mean: Mean) -> str:
    """Return the name of a mean's column: C, and the priors that are left out."""
    no_variation, no_range = is_without(mean)
    if no_variation and no_range:
        return "no prior"
    missing = ", no TV prior" if no_variation else ", no range prior" if no_range else ""
    return f"C = {'' if mean.loss_weight is None else format_weight(mean.loss_weight)}{missing}"
