"""Table 4 as CSV, Markdown and LaTeX, and a picture like Figure 4."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from preimage.paper.table4 import NAME, REPRESENTATIONS, method_of, published, rows
from preimage.reporting.figures import write_figure
from preimage.reporting.tables import format_error, format_number, write_table
from preimage.studies.loader import Loader
from preimage.studies.outcome import Record
from preimage.studies.summary import summarize

HEADER = [
    "representation", "method", "error %", "processor seconds", "PSNR dB", "SSIM", "photos",
]  # fmt: skip


def format_table4(records: Sequence[Record]) -> list[list[str]]:
    """Return the rows of the table as text: the published errors, then ours."""
    found = []
    for name in REPRESENTATIONS:
        for (representation, method), (error, deviation) in published().items():
            if representation == name:
                cells = [f"{method} (published)", f"{error:.1f} ± {deviation:.1f}"]
                found.append([name, *cells, "", "", "", ""])
        methods: dict[str, list[Record]] = {}
        for record in records:
            if record.trial.representation == name:
                methods.setdefault(method_of(record.trial), []).append(record)
        for method, alike in methods.items():
            for mean in summarize(alike):
                numbers = ((mean.processor_seconds, 2), (mean.psnr, 1), (mean.ssim, 2))
                cells = [format_number(value, digits) for value, digits in numbers]
                ours = format_error(mean.error, mean.error_std)
                found.append([name, method, ours, *cells, str(mean.count)])
    return found


def write_table4(folder: Path, records: Sequence[Record], loader: Loader) -> list[Path]:
    """Write table4.csv, .md and .tex, and a picture of two photos as table4.pdf and .png."""
    paths = write_table(folder / NAME, HEADER, format_table4(records))
    done = [record for record in records if record.status == "done"]
    if done:
        by_key = {record.trial.key: record for record in done}
        panels = rows([record.trial for record in done])
        paths += write_figure(folder / NAME, panels, by_key, loader)
    return paths
