"""Tables as CSV, Markdown and LaTeX, and the numbers in them as text."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from preimage.files import write_whole
from preimage.studies.judge import Judgement

_LATEX = str.maketrans({
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "±": r"$\pm$",
})  # fmt: skip


def write_table(
    stem: Path, header: Sequence[str], rows: Sequence[Sequence[str]], heading: str = ""
) -> list[Path]:
    """Write STEM.csv, STEM.md (below a Markdown heading) and STEM.tex; return their paths."""
    paths = [stem.with_name(f"{stem.name}.{suffix}") for suffix in ("csv", "md", "tex")]
    with write_whole(paths[0]) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    texts = (heading + as_markdown(header, rows), as_latex(header, rows))
    for path, text in zip(paths[1:], texts, strict=True):
        with write_whole(path) as partial:
            partial.write_text(text, encoding="utf-8")
    return paths


def as_markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return the table in Markdown.

    >>> as_markdown(["a", "b"], [["1", "2"]]).splitlines()
    ['| a | b |', '| --- | --- |', '| 1 | 2 |']
    """
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def as_latex(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    r"""Return the table as a LaTeX `tabular`.

    >>> print(as_latex(["a_1"], [["2 ± 1"]]), end="")
    \begin{tabular}{l}
    \hline
    a\_1 \\
    \hline
    2 $\pm$ 1 \\
    \hline
    \end{tabular}
    """
    escaped = [[text.translate(_LATEX) for text in line] for line in (header, *rows)]
    lines = [" & ".join(line) + r" \\" for line in escaped]
    begin = rf"\begin{{tabular}}{{{'l' * len(header)}}}"
    parts = [begin, r"\hline", lines[0], r"\hline", *lines[1:], r"\hline", r"\end{tabular}"]
    return "\n".join(parts) + "\n"


def format_number(value: float | None, digits: int) -> str:
    """Return a number with `digits` digits after the point; an empty text for None.

    >>> format_number(1.25, 1), format_number(None, 1)
    ('1.2', '')
    """
    return "" if value is None else f"{value:.{digits}f}"


_JUDGED = {
    "feature_distance": ("distance", 1, 2), "judge_agrees": ("judge agrees %", 100, 0),
    "judge_probability": ("judge probability", 1, 2), "judge_top_1": ("judge top-1 %", 100, 0),
    "color_error": ("color error", 1, 1), "saturation": ("saturation", 1, 1),
    "saturation_ratio": ("saturation / photo", 1, 2), "contrast": ("contrast", 1, 0),
    "spectrum_slope": ("slope", 1, 2), "natural_gradients": ("gradients", 1, 2),
}  # fmt: skip
"""The column of each number of a judgement: its heading, its factor, and its digits."""


def format_judged(judged: Sequence[Judgement | None]) -> tuple[list[str], list[list[str]]]:
    """Return header and cells of what judges say, a row each; no columns if nothing is known."""
    known = [name for name in _JUDGED if any(getattr(j, name, None) is not None for j in judged)]
    rows = []
    for judgement in judged:
        cells = []
        for _, factor, digits, name in ((*_JUDGED[name], name) for name in known):
            number = getattr(judgement, name, None)
            cells.append(format_number(None if number is None else factor * number, digits))
        rows.append(cells)
    return [_JUDGED[name][0] for name in known], rows


def format_error(error: float, deviation: float | None) -> str:
    """Return an error in percent, with its deviation if there is one.

    >>> format_error(0.123, 0.04)
    '12.3 ± 4.0'
    """
    text = f"{100 * error:.1f}"
    return text if deviation is None else f"{text} ± {100 * deviation:.1f}"
