"""`--candidates`: photos in a store are named, in all rows of it, and the table is written."""

import itertools
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tests.cli.runner import run, save_photo

import preimage
from preimage.audit.candidate_search import encode_photos
from preimage.cli import progress
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


def test_the_time_that_codes_take_is_said_with_their_count(
    photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count(0, 2.0)
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    given = [text for photo in photos[:5] for text in ("--candidates", str(photo))]
    outcome = run("audit", "codes", "store.npy", *FEW, *given)
    assert outcome.status == 0
    assert outcome.errors == [
        "115 codes of 4 other photos, of crops and of copies of them: about 4 minutes left; once "
        "all are done, their codes are kept for the next run"
    ]


def test_if_the_reference_is_in_the_store_the_threshold_comes_from_the_shipped_photos(
    photos: list[Path],
) -> None:
    for n in range(4):
        save_photo(Path(f"own{n}.png"), seed=n)
    own = [Path(f"own{n}.png") for n in range(4)]
    _, codes = encode_photos(preimage.representation(f"{REP}|unit"), own)
    np.save("store.npy", np.concatenate([np.load("store.npy"), codes.numpy()]))
    reference = [text for path in own for text in ("--reference", str(path))]
    outcome = run("audit", "codes", "store.npy", *FEW, *reference, "--candidates", str(photos[0]))
    assert (outcome.status, outcome.errors) == (0, [])
    said = "all of the photos of --reference that are no candidates seem to be in the store"
    at = outcome.output.index(said)
    assert outcome.output[at + 1] == "the threshold comes from 6 of the shipped photos"
    assert any(line.startswith("1 of 1 candidates are in the store") for line in outcome.output)


def test_candidates_that_cannot_be_looked_for_do_not_end_the_audit(photos: list[Path]) -> None:
    given = [text for photo in photos for text in ("--candidates", str(photo))]
    outcome = run("audit", "codes", "store.npy", *FEW, *given)
    assert outcome.status == 0
    assert "all of the shipped photos are among the candidates" in outcome.output
    (line,) = outcome.errors
    assert line.startswith("warning: no candidates were looked for, because a threshold needs")
    described = json.loads(Path("out/audit.json").read_text())
    assert "candidates" not in described
    assert described["warnings"][-1][1:] in Path("out/audit.html").read_text()


def test_unreadable_candidates_are_counted(photos: list[Path]) -> None:
    Path("broken.jpg").write_bytes(b"no photo")
    given = ("--candidates", "broken.jpg", "--candidates", str(photos[0]))
    outcome = run("audit", "codes", "store.npy", *FEW, *given)
    assert "1 of 2 candidates are no photos that can be read" in outcome.output
