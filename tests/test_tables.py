"""Tables that show themselves."""

from __future__ import annotations

from preimage.tables import Table

TABLE = Table(("layer", "K"), [("a<b>", 3), ("longer", 4), ("last", 5)], "a note & more")


def test_a_table_is_printed_with_aligned_columns_and_its_note() -> None:
    lines = ["layer   K", "a<b>    3", "longer  4", "last    5", "a note & more"]
    assert str(TABLE).splitlines() == lines
    assert repr(TABLE) == str(TABLE)


def test_html_escapes_what_names_hold() -> None:
    shown = TABLE._repr_html_()
    assert "<td>a&lt;b&gt;</td><td>3</td>" in shown
    assert shown.endswith("<p>a note &amp; more</p>")
    assert "<p>" not in Table(("a",), [])._repr_html_()


def test_rows_that_are_left_out_are_counted() -> None:
    assert TABLE.first(3) is TABLE
    short = TABLE.first(2)
    assert list(short) == list(TABLE)[:2]
    assert short.note == "the first 2 of 3 rows; a note & more"
