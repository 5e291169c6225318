"""Defenses as a plot, a table and sentences."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path

import pytest
from PIL import Image
from tests.reporting.planted_defenses import planted

from preimage.audit.defended import NO_PROOF
from preimage.reporting.defenses import header, in_words, rows, spread, write_defenses


def test_the_leak_is_the_measure_that_undefended_vectors_leak_most_by() -> None:
    assert [one.value for one in planted().leaks] == [0.75, 0.75, 0]
    assert header(planted())[1] == "nearest by eye"


def test_all_numbers_are_in_the_table_beside_the_plot(tmp_path: Path) -> None:
    paths = write_defenses(tmp_path, planted())
    assert [path.name for path in paths] == ["defenses.csv", "defenses.svg", "defenses.png"]
    lines = list(csv.DictReader(paths[0].read_text().splitlines()))
    assert len(lines) == 3 * (3 + 1 + 2) - 1
    (line,) = (one for one in lines if (one["defense"], one["judge"]) == ("unit", "eye"))
    assert (line["kind"], line["measure"], line["value"]) == ("leak", "reidentified_judge", "0.75")
    assert {one["measure"] for one in lines if one["kind"] == "use"} == {"retrieval", "same_class"}
    assert "<svg" in paths[1].read_text()
    with Image.open(paths[2]) as picture:
        assert len(picture.convert("L").getcolors() or ()) > 10


def test_rows_and_sentences_say_the_same() -> None:
    found = rows(planted())
    assert found[1] == [
        "unit", "75 % (38 to 88)", "50 % (30 to 70)", "content", "100 % (50 to 100)", "-"
    ]  # fmt: skip
    assert found[2][4:] == ["0 % (0 to 100)"] * 2
    lines = in_words(planted())
    assert "12 photos in quality draft" in lines[0]
    assert lines[1:] == ["unit: unit it is.", "noise:2: noise:2 it is.", NO_PROOF]


@pytest.mark.parametrize("places", [[0.0] * 8, [100.0] * 8, [3.0, 99, 50, 52, 49, 0, 100, 98]])
def test_labels_keep_their_order_their_distance_and_the_frame(places: list[float]) -> None:
    found = spread(places, 6)
    ordered = sorted(found)
    assert min(b - a for a, b in itertools.pairwise(ordered)) >= 6 - 1e-9
    assert -1e-9 <= ordered[0] <= ordered[-1] <= 100 + 1e-9
    assert sorted(range(8), key=lambda n: (places[n], found[n])) == sorted(
        range(8), key=lambda n: found[n]
    )
