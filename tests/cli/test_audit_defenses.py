"""`--defend` of `preimage audit codes`."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.cli.runner import run

import preimage
from preimage.audit.defended import NO_PROOF
from preimage.audit.reference import encode_reference
from preimage.photo_files import photo_paths

NETWORK = """
from torch import nn

def make():
    layers = [nn.AvgPool2d(4), nn.Flatten()]
    return nn.Sequential(*layers), {"size": (24, 24), "mean": (120,) * 3, "std": (60,)}
"""
REP = "import:defendednet.make/1"
FEW = ("--rep", REP, "--sample", "1", "--limit", "4", "--steps", "2", "--threads", "1")


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store of crops of photos in the current folder."""
    monkeypatch.chdir(tmp_path)
    Path("defendednet.py").write_text(NETWORK)
    layer = preimage.representation(REP)
    np.save("store.npy", encode_reference(layer, photo_paths(), crops=20, seed=3).codes[""])


def test_defenses_are_measured_printed_and_kept() -> None:
    options = ("--defend", "unit", "--defend", "pca:3|noise:0.5", "--defend", "average:2")
    outcome = run("audit", "codes", "store.npy", *FEW, *options, "--out", "out")
    assert (outcome.status, outcome.errors) == (0, [])
    assert any("pca:3|noise" in line for line in outcome.output)
    assert NO_PROOF in " ".join(" ".join(outcome.output).split())
    described = json.loads(Path("out/audit.json").read_text())["defenses"]
    assert described["quality"] == "draft"
    names = [one["defense"] for one in described["results"]]
    assert names == ["none", "unit", "pca:3|noise:0.5", "average:2"]
    files = [file for one in described["results"] for file in one["files"]]
    pictures = {file: Path("out", file).stat().st_mtime_ns for file in files}
    assert len(files) == 4 * 4
    assert len(pictures) == 3 * 4 + 2
    for name in ("defenses.csv", "defenses.svg", "defenses.png"):
        assert Path("out", name).exists()
    again = run("audit", "codes", "store.npy", *FEW, *options, "--out", "out")
    assert again.output == outcome.output
    assert pictures == {file: Path("out", file).stat().st_mtime_ns for file in files}


def test_without_the_option_nothing_is_defended() -> None:
    assert run("audit", "codes", "store.npy", *FEW).status == 0
    assert json.loads(Path("audit/audit.json").read_text())["defenses"] is None
    assert not Path("audit/defenses").exists()


def test_a_wrong_defense_is_refused_before_anything_is_attacked() -> None:
    outcome = run("audit", "codes", "store.npy", *FEW, "--defend", "untt")
    assert outcome.status == 2
    assert outcome.errors == ["error: unknown defense 'untt': did you mean 'unit'?"]
    assert not Path("audit").exists()
