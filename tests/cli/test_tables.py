"""Tables of the command line."""

from __future__ import annotations

import pytest

from preimage.cli.tables import percent, print_table, print_wrapped

LONG = "import:my_package.my_networks.make_the_large_one/encoder.layers.3.attention"


def test_a_short_name_stays_on_one_line_and_the_other_columns_fold(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    print_table(("name", "license"), [("efficientnet-lite0", "words " * 20)], "title")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].strip() == "title"
    assert sum("efficientnet-lite0" in line for line in lines) == 1
    assert max(map(len, lines)) <= 60


def test_a_long_name_is_folded_and_nothing_of_it_is_lost(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    print_table(("layer", "error"), [(LONG, 0.5)])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    assert "".join(line.split("│")[1].strip() for line in lines) == LONG


def test_percent_rounds_to_a_tenth() -> None:
    assert percent(0.36649) == "36.6 %"


def test_brackets_and_colons_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name [b]",), [("cell [c] :dog:",)], "title [a] :cat:")
    print_wrapped("text [d] :fox:")
    output = capsys.readouterr().out
    for part in ("title [a] :cat:", "[b]", "cell [c] :dog:", "text [d] :fox:"):
        assert part in output
