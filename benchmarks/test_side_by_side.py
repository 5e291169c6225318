"""`benchmarks side_by_side`, with packages that only pretend to work."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image
from torch import nn

from benchmarks import side_by_side
from benchmarks.peers.environments import PeerError
from benchmarks.peers.listing import PEERS
from benchmarks.peers.makers import IMAGENET, MAXIMIZED, Fed
from benchmarks.peers.pictures import eight_bits
from preimage.studies.judge import Judgement

JOBS = [{"name": "black swan", "class": 100}, {"name": "goose", "class": 99}]


def _asked(monkeypatch: pytest.MonkeyPatch, status: int = 0) -> list[Any]:
    """Return the requests to the processes of packages, filled as these are started."""
    asked: list[Any] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        asked.append(json.loads(Path(command[-1]).read_text())["jobs"])
        return subprocess.CompletedProcess(command, status, "", "Traceback\nOSError: no spectrum\n")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(side_by_side, "python_of", lambda _: Path("python"))
    return asked


def _chosen(**options: list[str]) -> Any:
    return SimpleNamespace(**({"only": None, "skip": []} | options))


def test_only_missing_pictures_are_made_but_all_of_a_package_that_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = _asked(monkeypatch)
    folder = tmp_path / "dreamlens"
    folder.mkdir()
    (folder / "black-swan.json").write_text("{}")
    side_by_side.make(folder, "dreamlens", JOBS, _chosen())
    side_by_side.make(folder, "dreamlens", JOBS, _chosen(only=["dreamlens"]))
    side_by_side.make(folder, "dreamlens", JOBS, _chosen(only=["preimage"]))
    side_by_side.make(folder, "dreamlens", JOBS, _chosen(skip=["dreamlens"]))
    assert [[job["class"] for job in jobs] for jobs in asked] == [[99], [100, 99]]


def test_an_inversion_has_the_time_that_ours_took(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = _asked(monkeypatch)
    (tmp_path / "preimage").mkdir()
    (tmp_path / "preimage/chelsea-blocks.5.json").write_text('{"seconds": 4.5, "version": "1"}')
    job = {"name": "chelsea blocks.5", "photo": "p.png", "layer": "blocks.5", "seconds": 0.0}
    side_by_side.make(tmp_path / "plenoptic", "plenoptic", [job], _chosen())
    assert asked[0][0]["seconds"] == 4.5


def test_a_package_that_fails_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _asked(monkeypatch, status=1)
    with pytest.raises(PeerError, match="OSError: no spectrum"):
        side_by_side.make(tmp_path / "horama maco", "horama maco", JOBS, _chosen())


def test_the_table_begins_with_the_package_that_the_judges_believe_most() -> None:
    rows = [
        {"package": package, "version": "1", "seconds": 2.0}
        | asdict(Judgement(judge_probability=p))
        for package, p in (("one", 0.25), ("two", 0.5), ("one", 0.5))
    ]
    lines = side_by_side.table("classes", rows, JOBS)
    assert [line.split(" | ")[:2] for line in lines[2:4]] == [
        ["| two 1", "0.500"],
        ["| one 1", "0.375"],
    ]
    assert lines[4].startswith("| photos | ")


def test_a_grid_has_a_place_for_a_picture_that_is_missing(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    Image.new("RGB", (224, 224), "red").save(tmp_path / "one/goose.png")
    row = {"package": "one", "picture": "goose", "seconds": 2.0}
    row |= {"judge_probability": 0.5, "feature_distance": None}
    drawn = side_by_side.grid(tmp_path, [row], JOBS)
    place = 2.5 * (drawn.width / 3), drawn.height / 3
    assert drawn.getpixel((int(place[0]), int(place[1]))) == (255, 0, 0)
    assert drawn.width > 3 * 128


def test_the_normalization_of_a_package_is_undone() -> None:
    pixels = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in IMAGENET)
    fed = Fed(nn.Identity(), *IMAGENET)((pixels - mean) / std)
    torch.testing.assert_close(fed, (255 * pixels - 127) / 128)


def test_values_beyond_black_and_white_are_clipped() -> None:
    picture = eight_bits(torch.tensor([-1.0, 0.5, 2.0]).view(3, 1, 1))
    assert picture.getpixel((0, 0)) == (0, 128, 255)


def test_every_package_has_a_version_to_install() -> None:
    names = {peer.name for peer in PEERS} | {"preimage"}
    assert {package.partition(" ")[0] for package in MAXIMIZED} < names
