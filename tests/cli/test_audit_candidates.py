"""`--candidates`: photos in a store are named, in all rows of it, and the table is written."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.cli.runner import run

import preimage
from preimage.audit.candidate_search import encode_photos
from preimage.photo_files import shipped_photos

NETWORK = """
from torch import nn
def make():
    layers = [nn.AvgPool2d(8), nn.Flatten()]
    return nn.Sequential(*layers), {"size": (48, 48), "mean": (0,) * 3, "std": (60,)}
"""
REP = "import:cellnet.make/1"
FEW = (
    "--rep",
    f"{REP}|unit",
    "--sample",
    "1",
    "--limit",
    "4",
    "--steps",
    "2",
    "--threads",
    "1",
    "--out",
    "out",
)


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The shipped photos; the current folder has a store of the first three among noise."""
    monkeypatch.chdir(tmp_path)
    Path("cellnet.py").write_text(NETWORK)
    photos = list(shipped_photos().values())
    _, codes = encode_photos(preimage.representation(f"{REP}|unit"), photos[:3])
    noise = np.random.default_rng(0).random((5000, codes.shape[1])).astype(np.float32)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    np.save("store.npy", np.concatenate([noise, codes.numpy()]))
    return photos


def test_photos_in_any_row_are_found(photos: list[Path]) -> None:
    given = [text for photo in photos[:5] for text in ("--candidates", str(photo))]
    outcome = run("audit", "codes", "store.npy", *FEW, *given)
    assert (outcome.status, outcome.errors) == (0, [])
    at = next(n for n, line in enumerate(outcome.output) if "candidates are in" in line)
    assert outcome.output[at].startswith("3 of 5 candidates are in the store: nearer than ")
    assert outcome.output[at + 1].split()[:3] == [photos[0].name, "row", "5000"]
    described = json.loads(Path("out/audit.json").read_text())["candidates"]
    assert [entry["row"] for entry in described["found"]] == [5000, 5001, 5002]
    assert len(Path("out/candidates.csv").read_text().splitlines()) == 6


def test_a_reference_of_candidates_alone_gets_one_clear_line(photos: list[Path]) -> None:
    same = ("--candidates", str(photos[0]), "--reference", str(photos[0]))
    outcome = run("audit", "codes", "store.npy", *FEW, *same)
    assert outcome.errors == [
        "error: all photos of the reference are among the candidates: give photos that are not in "
        "the store with --reference"
    ]


def test_unreadable_candidates_are_counted(photos: list[Path]) -> None:
    Path("broken.jpg").write_bytes(b"no photo")
    given = ("--candidates", "broken.jpg", "--candidates", str(photos[0]))
    outcome = run("audit", "codes", "store.npy", *FEW, *given)
    assert "1 of 2 candidates are no photos that can be read" in outcome.output
