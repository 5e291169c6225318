"""The files of an audit of stored vectors: grids, tables, and all else."""

import csv
import json
from pathlib import Path

import numpy as np
from PIL import Image

from preimage.audit.measures import Estimate
from preimage.audit.photos import Photo
from preimage.audit.recognition import Recognition
from preimage.audit.reconstructions import Reconstruction
from preimage.audit.result import AttackResult, Audit, LayerResult
from preimage.audit.vectors import Vectors
from preimage.audit.verdict import Verdict
from preimage.reporting.stored import describe_store, write_photos, write_result, write_rows
from preimage.representations.hog import HOG

PICTURE = Image.new("RGB", (200, 100), "red")
ROWS = {
    "inversion": [
        Reconstruction("row-4", 0.1, 1.0, PICTURE, "inversion/row-4.png"),
        Reconstruction("row-9", 0.3, 1.23456, PICTURE, "inversion/row-9.png"),
    ]
}


def test_the_grid_has_every_row_and_the_table_its_error(tmp_path: Path) -> None:
    grid, table = write_rows(tmp_path, ROWS, {"row-9": "a/b.jpg"})
    with Image.open(grid) as drawn:
        assert drawn.width > 2 * 160
    lines = list(csv.reader(table.read_text().splitlines()))
    assert lines == [
        ["row", "label", "attack", "error", "seconds", "picture"],
        ["row-4", "", "inversion", "0.1", "1.0", "inversion/row-4.png"],
        ["row-9", "a/b.jpg", "inversion", "0.3", "1.235", "inversion/row-9.png"],
    ]


def test_photos_stand_above_what_attacks_made_of_them(tmp_path: Path) -> None:
    (grid,) = write_photos(
        tmp_path, [PICTURE] * 9, ["a.jpg"] * 9, {"inversion": ROWS["inversion"] * 4}
    )
    with Image.open(grid) as drawn:
        assert drawn.width > 8 * 160
        assert drawn.height > 4 * 80


def test_what_is_known_of_a_store_is_plain_data() -> None:
    vectors = Vectors(np.ones((2, 3)), (4, 9), 12, {"zero or constant": 1}, 3, {9: "a/b.jpg"})
    found = Recognition(HOG(), "float32", (), "", 1.0, True, ("a reason",))
    contents = json.loads(json.dumps(describe_store(vectors, found, ROWS)))
    assert (contents["rows"], contents["total"]) == (2, 12)
    assert contents["labels"] == {"row-9": "a/b.jpg"}
    assert contents["skipped"] == {"zero or constant": 1}
    assert contents["errors"] == {"inversion": {"mean": 0.2, "median": 0.2}}
    assert contents["reconstructions"]["inversion"][0] == {
        "name": "row-4", "error": 0.1, "file": "inversion/row-4.png",
    }  # fmt: skip
    assert contents["recognized"]["evidence"] == ["a reason"]


def test_all_measures_are_in_the_table(tmp_path: Path) -> None:
    one = Estimate("ssim", None, 0.5, 0.4, 0.6, 0.1, 0.001, 24)
    attack = AttackResult("inversion", "All.", (one,), Verdict(), ("a/1.png",), (0.125,))
    photo = Photo("a.png", "ab" * 32, "photos/a.png")
    about = {"seed": 7, "input": "store.npy", "input_sha256": "cd" * 32, "weights_sha256": None}
    layer = LayerResult("net/conv1", (attack,), (photo,))
    measures, photos, inputs, described = write_result(
        tmp_path, Audit((layer,), ("a.png",), (), about=about)
    )
    (line,) = csv.DictReader(measures.read_text().splitlines())
    assert (line["representation"], line["attack"], line["judge"]) == ("net/conv1", "inversion", "")
    assert (line["measure"], float(line["value"]), line["photos"]) == ("ssim", 0.5, "24")
    (line,) = csv.DictReader(photos.read_text().splitlines())
    assert (line["photo"], line["error"], line["picture"]) == ("a.png", "0.125", "a/1.png")
    assert list(csv.reader(inputs.read_text().splitlines()))[1:] == [
        ["vectors", "store.npy", "cd" * 32],
        ["photo", "a.png", "ab" * 32],
    ]
    assert json.loads(described.read_text())["seed"] == 7
