"""`measure` after an interruption: the numbers of an uninterrupted run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.statistics.networks import assert_equal, layers, network, photos

from preimage.statistics import load_known, measure, measuring
from preimage.statistics.tally import Tally, tally

NAMES = ("0", "1", "2", "3")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache folder."""
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path / "cache"))


class Stopped(BaseException):
    """As Ctrl-C, at a chosen moment."""


def stop_at(image: int) -> Callable[[int, int], None]:
    """A report of progress that stops the run after so many images."""

    def progress(done: int, total: int) -> None:
        if done >= image:
            raise Stopped

    return progress


@pytest.mark.parametrize("names", [NAMES, ("1", "3")])
def test_an_interrupted_run_goes_on_to_the_numbers_of_an_uninterrupted_one(
    names: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = photos(tmp_path / "in", 11)
    paths[4].write_bytes(b"no image")
    straight = measure(layers(network(), *NAMES), paths, batch_size=2)
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path / "other"))
    with pytest.raises(Stopped):  # some of the layers come further than the others
        measure(layers(network(), *names), paths, batch_size=2, progress=stop_at(6))
    for stop in (4, 8):
        with pytest.raises(Stopped):
            measure(layers(network(), *NAMES), paths, batch_size=2, progress=stop_at(stop))
    seen: list[int] = []
    several = layers(network(), *NAMES)
    found = measure(several, paths, batch_size=2, progress=lambda done, _: seen.append(done))
    assert seen == [8, 10, 11]
    for name in NAMES:
        assert_equal(found[name], straight[name])


def test_an_interruption_between_two_layers_of_a_batch_leaves_valid_statistics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = photos(tmp_path / "in", 6)
    straight = measure(layers(network(), "0", "3"), paths, batch_size=2)
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path / "other"))
    calls: list[int] = []

    def interrupted(response: torch.Tensor, image: int) -> Tally:
        calls.append(image)
        if calls.count(3) == 2:  # image 3 has been added to layer 0, and not yet to layer 3
            raise Stopped
        return tally(response, image)

    with monkeypatch.context() as patch:
        patch.setattr(measuring, "tally", interrupted)
        with pytest.raises(Stopped):
            measure(layers(network(), "0", "3"), paths, batch_size=2)
    found = measure(layers(network(), "0", "3"), paths, batch_size=2)
    for name in ("0", "3"):
        assert_equal(found[name], straight[name])


KILLED = """
import os, signal, sys
from pathlib import Path
from preimage.statistics import measure, measuring
from tests.statistics.networks import layers, network
measuring._SECONDS_BETWEEN_CHECKPOINTS = 0
def progress(done, total):
    if done == 6:
        os.kill(os.getpid(), signal.SIGKILL)
paths = sorted(Path(sys.argv[1]).iterdir())
measure(layers(network(), "0"), paths, batch_size=2, progress=progress)
"""


def test_a_killed_run_goes_on_from_its_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = photos(tmp_path / "in", 9)
    root = Path(__file__).parent.parent.parent
    path = os.pathsep.join([str(root / "src"), str(root)])
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "in")],
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    several = layers(network(), "0")
    assert load_known(several.layers["0"]) is None
    seen: list[int] = []
    found = measure(several, paths, batch_size=2, progress=lambda done, _: seen.append(done))
    assert seen == [6, 8, 9]
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path / "other"))
    assert_equal(found["0"], measure(several, paths, batch_size=2)["0"])
