"""The files written of inverted vectors: a grid, a table, and all else."""

import csv
import json
from pathlib import Path

import numpy as np
from PIL import Image

from preimage.audit.recognition import Recognition
from preimage.audit.vectors import Vectors
from preimage.reporting.stored import InvertedRow, load_row, write_stored
from preimage.representations.hog import HOG


def test_the_grid_has_every_row_and_the_table_its_error(tmp_path: Path) -> None:
    vectors = Vectors(np.ones((2, 3)), (4, 9), 12, {"zero or constant": 1})
    found = Recognition(HOG(), "float32", (), "", 1.0, True, ("a reason",))
    picture = Image.new("RGB", (200, 100), "red")
    rows = [InvertedRow(4, 0.1, 1.0, picture), InvertedRow(9, 0.3, 1.23456, picture)]
    grid, table, described = write_stored(tmp_path, vectors, found, rows, {"seed": 7})
    with Image.open(grid) as drawn:
        assert drawn.width > 2 * 160
    lines = list(csv.reader(table.read_text().splitlines()))
    assert lines == [
        ["row", "error", "seconds", "picture"],
        ["4", "0.1", "1.0", "row-4.png"], ["9", "0.3", "1.235", "row-9.png"],
    ]  # fmt: skip
    contents = json.loads(described.read_text())
    assert (contents["rows"], contents["total"], contents["seed"]) == (2, 12, 7)
    assert contents["skipped"] == {"zero or constant": 1}
    assert contents["error"] == {"mean": 0.2, "median": 0.2}
    assert contents["recognized"]["evidence"] == ["a reason"]
    assert "torch" in contents["versions"]


def test_a_row_is_found_again_unless_it_was_interrupted_or_is_another(tmp_path: Path) -> None:
    Image.new("RGB", (9, 9)).save(tmp_path / "row-4.png")
    sidecar = {"error": 0.25, "seconds": 2.0, "interrupted": False, "representation": "hog"}
    file = tmp_path / "row-4.json"
    file.write_text(json.dumps(sidecar))
    found = load_row(tmp_path, 4, {"representation": "hog"})
    assert found is not None
    assert (found.row, found.error, found.seconds, found.file) == (4, 0.25, 2.0, "row-4.png")
    assert load_row(tmp_path, 4, {"representation": "hogb"}) is None
    assert load_row(tmp_path, 5, {}) is None
    file.write_text(json.dumps(sidecar | {"interrupted": True}))
    assert load_row(tmp_path, 4, {}) is None
    file.write_text("cut")
    assert load_row(tmp_path, 4, {}) is None
