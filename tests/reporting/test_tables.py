"""Tables: the same cells as CSV, Markdown and LaTeX."""

from __future__ import annotations

import csv
from pathlib import Path

from preimage.reporting.tables import (
    as_latex,
    format_error,
    format_judged,
    format_number,
    write_table,
)
from preimage.studies.judge import Judgement


def test_all_files_hold_the_cells_and_the_markdown_a_heading(tmp_path: Path) -> None:
    header, rows = ["layer", "error %"], [["conv_1", "2.0 ± 1.0"], ["fc6", ""]]
    paths = write_table(tmp_path / "table", header, rows, "# Title\n\n")
    assert [path.name for path in paths] == ["table.csv", "table.md", "table.tex"]
    with paths[0].open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [header, *rows]
    assert paths[1].read_text(encoding="utf-8") == (
        "# Title\n\n| layer | error % |\n| --- | --- |\n| conv_1 | 2.0 ± 1.0 |\n| fc6 |  |\n"
    )
    assert paths[2].read_text(encoding="utf-8") == as_latex(header, rows)


def test_what_latex_would_misread_is_escaped() -> None:
    text = as_latex(["50 %", "a&b"], [["#1_2", "\\x ± 1"]])
    assert r"50 \% & a\&b \\" in text
    assert r"\#1\_2 & \textbackslash{}x $\pm$ 1 \\" in text


def test_a_number_that_is_not_there_is_an_empty_cell() -> None:
    assert [format_number(value, 2) for value in (None, 0.0, 1.005)] == ["", "0.00", "1.00"]
    assert [format_error(0.5, None), format_error(0.5, 0.0)] == ["50.0", "50.0 ± 0.0"]


def test_only_what_judges_know_has_a_column() -> None:
    assert format_judged([None, None]) == ([], [[], []])
    header, rows = format_judged([None, Judgement(contrast=30.4), Judgement(judge_agrees=0.25)])
    assert header == ["judge agrees %", "contrast"]
    assert rows == [["", ""], ["", "30"], ["25", ""]]
