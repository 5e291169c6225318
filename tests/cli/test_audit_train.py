"""`preimage audit train`: a decoder is trained, goes on after Ctrl-C, and is never replaced."""

from pathlib import Path

import pytest
from tests.cli.runner import run, save_photo

from preimage.audit import training
from preimage.audit.decoder import load_decoder
from preimage.cli import audit_train
from preimage.photo_files import photo_paths

NETWORK = """
from torch import nn
def make():
    layers = [nn.AvgPool2d(4), nn.AvgPool2d(4), nn.Flatten()]
    return nn.Sequential(*layers), {"size": (48, 48), "mean": (0,) * 3, "std": (60,)}
"""
REP = "import:trainnet.make/2"
ARGUMENTS = ("--rep", REP, "--out", "a.pt")


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder of photos; the current folder has the network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(training, "_CROPS", 1)
    Path("trainnet.py").write_text(NETWORK)
    return str(photo_paths()[0].parent)


def test_a_decoder_is_written_with_what_it_is_for(photos: str) -> None:
    outcome = run("audit", "train", photos, *ARGUMENTS)
    assert (outcome.status, outcome.errors) == (0, [])
    assert outcome.output == [f"wrote a.pt: {REP}, 9 photos, statistics of 1 inner layer"]
    found = load_decoder("a.pt")
    assert (found.representation, found.layers, len(found.photos)) == (REP, ("0",), 9)
    outcome = run("audit", "train", photos, *ARGUMENTS)
    assert outcome.output == ["a.pt is trained already"]


def test_after_ctrl_c_the_same_command_goes_on(
    photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("audit", "train", photos, "--rep", REP, "--out", "whole.pt")

    def stopping(*_: object) -> object:
        def report(done: int, _: int) -> None:
            if done == 11:
                raise KeyboardInterrupt

        return report

    with monkeypatch.context() as patch:
        patch.setattr(audit_train, "_report", stopping)
        assert run("audit", "train", photos, *ARGUMENTS).status == 130
    outcome = run("audit", "train", photos, *ARGUMENTS)
    assert outcome.output[0] == "a.pt: goes on after 11 images"
    whole, found = (load_decoder(file).sha256() for file in ("whole.pt", "a.pt"))
    assert found == whole


def test_another_decoder_is_not_replaced(photos: str) -> None:
    run("audit", "train", photos, *ARGUMENTS)
    for more, what in ((("--seed", "1"), "seed"), (("--limit", "8"), "photos")):
        outcome = run("audit", "train", photos, *ARGUMENTS, *more)
        assert outcome.status == 2
        assert outcome.errors == [
            f"error: a.pt holds a decoder of another training ({what}): name another file with "
            "--out"
        ]


def test_few_photos_get_one_clear_line(photos: str) -> None:
    Path("few").mkdir()
    save_photo(Path("few/a.png"))
    outcome = run("audit", "train", "few", *ARGUMENTS)
    assert outcome.errors == [
        "error: training needs at least 8 photos, not 1: fewer say nothing about others"
    ]
    outcome = run("audit", "train", photos, *ARGUMENTS, "--limit", "3")
    assert outcome.errors[0].startswith("error: --limit must be at least 8, not 3")
