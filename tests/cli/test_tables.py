"""Tables on standard output."""

from __future__ import annotations

import pytest

from preimage.cli.tables import print_table


def test_long_names_are_folded_and_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    name = "network/" + "block." * 20 + "end"
    print_table(["layer", "C"], [[name, "300"], ["b", "1"]])
    lines = capsys.readouterr().out.splitlines()
    cells = [line.strip("│ ").split("│")[0].strip() for line in lines if "│" in line]
    assert "".join(cells[:-1]) == name
    assert cells[-1] == "b"
