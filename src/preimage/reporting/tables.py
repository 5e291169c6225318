"""A table as CSV, Markdown and LaTeX."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

_LATEX = {"\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "±": r"$\pm$"}


def write_table(
    stem: Path, header: Sequence[str], rows: Sequence[Sequence[str]], heading: str = ""
) -> list[Path]:
    """Writes STEM.csv, STEM.md and STEM.tex, and returns them.

    Args:
        stem: path without a suffix.
        header: names of the columns.
        rows: cells as text.
        heading: Markdown above the table.
    """
    paths = [stem.with_name(f"{stem.name}.{suffix}") for suffix in ("csv", "md", "tex")]
    with paths[0].open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    paths[1].write_text(heading + as_markdown(header, rows), encoding="utf-8")
    paths[2].write_text(as_latex(header, rows), encoding="utf-8")
    return paths


def as_markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The table in Markdown.

    >>> as_markdown(["a", "b"], [["1", "2"]]).splitlines()
    ['| a | b |', '| --- | --- |', '| 1 | 2 |']
    """
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def as_latex(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    r"""The table as a LaTeX `tabular`.

    >>> print(as_latex(["a_1"], [["2 ± 1"]]), end="")
    \begin{tabular}{l}
    \hline
    a\_1 \\
    \hline
    2 $\pm$ 1 \\
    \hline
    \end{tabular}
    """
    lines = [" & ".join(map(_escaped, line)) + r" \\" for line in [header, *rows]]
    begin = rf"\begin{{tabular}}{{{'l' * len(header)}}}"
    parts = [begin, r"\hline", lines[0], r"\hline", *lines[1:], r"\hline", r"\end{tabular}"]
    return "\n".join(parts) + "\n"


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)
