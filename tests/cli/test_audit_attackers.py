"""`--attacker`: decoders and photos attack beside the inversion; their photos are not measured."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.cli.runner import run

import preimage
from preimage.audit import training
from preimage.audit.candidate_search import copy_photo, encode_photos
from preimage.photo_files import photo_paths

NETWORK = """
from torch import nn
def make():
    layers = [nn.AvgPool2d(4), nn.AvgPool2d(2), nn.Flatten()]
    return nn.Sequential(*layers), {"size": (48, 48), "mean": (0,) * 3, "std": (60,)}
"""
REP = "import:attackednet.make/2"
FEW = ("--rep", f"{REP}|unit", "--sample", "1", "--steps", "4", "--threads", "1", "--out", "out")


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The shipped photos; the current folder has a store, and an attacker's folder of two."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(training, "_CROPS", 1)
    Path("attackednet.py").write_text(NETWORK)
    photos = photo_paths()
    _, codes = encode_photos(preimage.representation(f"{REP}|unit"), photos)
    np.save("store.npy", codes.numpy())
    Path("own").mkdir()
    Path("own", "same.jpg").write_bytes(photos[0].read_bytes())
    copy_photo(photos[1], 0.9, 90).save("own/copy.jpg", quality=90)
    return photos


def test_photos_of_an_attacker_attack_and_are_not_measured(photos: list[Path]) -> None:
    outcome = run("audit", "codes", "store.npy", *FEW, "--attacker", "own")
    assert (outcome.status, [e for e in outcome.errors if e.startswith("error")]) == (0, [])
    assert "1 of 9 photos of the reference are an attacker's: not measured" in outcome.output
    assert (
        f"measured, but nearly the same as a photo of an attacker: {photos[1].name}"
        in outcome.output
    )
    described = json.loads(Path("out/audit.json").read_text())
    assert photos[0].name not in described["photos"]
    names = [attack["attack"] for attack in described["layers"][0]["attacks"]]
    assert names == ["inversion", "nearest photo", "nearest photo + inversion"]


def test_a_decoder_attacks(photos: list[Path]) -> None:
    eight = [str(path) for path in photos[:8]]
    run("audit", "train", *eight, "--rep", REP)
    outcome = run("audit", "codes", "store.npy", *FEW, "--attacker", "decoder.pt")
    assert outcome.errors[-1:] == [
        "error: an audit needs at least 4 different photos, not 1: give more with --reference"
    ]
    every = [str(path) for path in photos]
    run("audit", "train", *every, "--rep", REP, "--out", "all.pt")
    outcome = run("audit", "codes", "store.npy", *FEW, "--attacker", "all.pt")
    assert outcome.errors[-1:] == [
        "error: attackers have all photos of the reference: give others with --reference"
    ]


def test_a_decoder_of_another_layer_gets_one_clear_line(photos: list[Path]) -> None:
    given = [str(path) for path in photos]
    run("audit", "train", *given, "--rep", f"{REP}|first:9")
    outcome = run("audit", "codes", "store.npy", *FEW, "--attacker", "decoder.pt")
    assert outcome.errors[-1:] == [
        f"error: the decoder was trained for codes of {REP}|first:9, not of {REP}: "
        "train one with preimage audit train"
    ]
