"""`preimage audit train`: a decoder is trained, goes on after Ctrl-C, and is never replaced."""

from pathlib import Path

import pytest
import torch
from tests.cli.runner import run

from preimage.audit import decoder, training
from preimage.audit.decoder import load_trained
from preimage.cli import audit_train
from preimage.photo_files import photo_paths

NETWORK = """
from torch import nn
def make():
    layers = [nn.AvgPool2d(8), nn.Flatten()]
    return nn.Sequential(*layers), {"size": (48, 48), "mean": (0,) * 3, "std": (60,)}
"""
REP = "import:trainnet.make/1"
ARGUMENTS = ("--rep", REP, "--steps", "4", "--out", "a.pt")


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder of photos; the current folder has the network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(decoder, "_LEAST_SIDE", 16)
    monkeypatch.setattr(decoder, "_WIDTHS", ((4, 48), (8, 32), (16, 16)))
    monkeypatch.setattr(training, "_KEPT", 2)
    Path("trainnet.py").write_text(NETWORK)
    return str(photo_paths()[0].parent)


def test_a_decoder_is_written_with_what_it_is_for(photos: str) -> None:
    outcome = run("audit", "train", photos, *ARGUMENTS)
    assert (outcome.status, outcome.errors) == (0, [])
    assert outcome.output == [f"wrote a.pt: {REP}, 9 photos, pictures of 16 x 16"]
    found = load_trained("a.pt")
    assert (found.representation, found.done, len(found.photos)) == (REP, 4, 9)
    outcome = run("audit", "train", photos, *ARGUMENTS)
    assert outcome.output == ["a.pt is trained already"]


def test_after_ctrl_c_the_same_command_goes_on(
    photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("audit", "train", photos, "--rep", REP, "--steps", "4", "--out", "whole.pt")

    def stopping(*_: object) -> object:
        def report(what: str, done: int, *_: object) -> None:
            if what == "training" and done == 3:
                raise KeyboardInterrupt

        return report

    with monkeypatch.context() as patch:
        patch.setattr(audit_train, "_report", stopping)
        assert run("audit", "train", photos, *ARGUMENTS).status == 130
    outcome = run("audit", "train", photos, *ARGUMENTS)
    assert outcome.output[0] == "a.pt: goes on after 2 of 4 steps"
    whole, found = (load_trained(file).decoder.state_dict() for file in ("whole.pt", "a.pt"))
    assert all(torch.equal(found[name], whole[name]) for name in whole)


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
    outcome = run("audit", "train", photos, *ARGUMENTS, "--limit", "3")
    assert outcome.errors == [
        "error: training needs at least 8 photos, not 3: fewer say nothing about others"
    ]


def test_the_default_number_of_steps_is_that_of_the_library() -> None:
    assert audit_train._STEPS == training.STEPS
