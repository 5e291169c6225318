"""The Ray engine: its pool on a stand-in for Ray, and all of it on nodes of a real Ray.

The nodes are connected by the loopback alone; these tests need Ray to be installed.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.study_files import make_outcome, make_trials, save_photos

from preimage.extras import install_command
from preimage.studies.outcome import Failure
from preimage.studies.trial import Trial
from preimage.sweeps.batches import DEATHS, Batch, Queue
from preimage.sweeps.ray_engine import _Pool, ray_actors

_HAS_RAY = importlib.util.find_spec("ray") is not None


@pytest.mark.skipif(not _HAS_RAY, reason="needs ray")
@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs a network namespace")
def test_a_study_on_three_nodes_survives_the_loss_of_one_bit_for_bit(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    study = Path(__file__).with_name("ray_study.py")
    script = f"ip link set lo up; exec {sys.executable} {study} {tmp_path}"
    root = Path(__file__).parents[2]
    paths = os.pathsep.join([str(root / "src"), str(root)])
    environment = {**os.environ, "HOME": str(home), "PYTHONPATH": paths}
    outcome = subprocess.run(
        ["unshare", "-n", "sh", "-c", script], capture_output=True, text=True, check=False,
        env={**environment, "RAY_USAGE_STATS_ENABLED": "0", "PREIMAGE_CACHE": str(home / "cache")},
    )  # fmt: skip
    if "Operation not permitted" in outcome.stderr:
        pytest.skip("no network namespace can be made here")
    assert "60 60 60 0 1" in outcome.stdout.splitlines(), outcome.stderr[-3000:]


@pytest.mark.skipif(_HAS_RAY, reason="ray is installed")
def test_without_ray_there_is_one_clear_line() -> None:
    engine = ray_actors(
        iter([]), address="local", workers=1, threads=1, device="cpu", gpus=0
    )  # fmt: skip
    with pytest.raises(ValueError, match=re.escape(install_command("ray"))):
        next(engine)


@pytest.mark.skipif(not _HAS_RAY, reason="needs ray")
def test_where_no_cluster_listens_there_is_one_clear_line() -> None:
    engine = ray_actors(
        iter([]), address="127.0.0.1:9", workers=1, threads=1, device="cpu", gpus=0
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"no Ray cluster at 127.0.0.1:9: .*refused"):
        next(engine)


class _RayError(Exception):
    """What a stand-in for Ray raises for a lost actor."""


class _Ray:
    """A stand-in for Ray: what a call of an actor does is told by `answer`."""

    exceptions = SimpleNamespace(RayError=_RayError)

    def __init__(self, answer: Callable[[Batch], Any]) -> None:
        self.living = {"a"}
        self.killed = 0
        self._answer = answer

    def start(self) -> Any:
        def call(function: Callable[..., Any]) -> Any:
            return SimpleNamespace(remote=lambda *arguments: partial(function, *arguments))

        return SimpleNamespace(
            node=call(lambda: "a"), carry_out=call(lambda batch, _: self._answer(batch))
        )

    def wait(self, references: list[Any], num_returns: int) -> tuple[list[Any], list[Any]]:
        return references[:num_returns], references[num_returns:]

    def get(self, reference: Any) -> Any:
        return reference()

    def put(self, data: Any) -> Any:
        return data

    def kill(self, _: Any) -> None:
        self.killed += 1

    def nodes(self) -> list[dict[str, Any]]:
        return [{"NodeID": "a", "Alive": "a" in self.living}]


def _keys(ray: _Ray, trials: list[Trial], workers: int = 2) -> list[str]:
    """The keys of the results of a pool, of failures with their reason."""
    batches = [Batch((trial,), {}) for trial in trials]
    pool = _Pool(ray, Queue(iter(batches)), ray.start)
    for _ in range(workers):
        pool.start_worker()
    found = [result for results in pool.results() for result in results]
    pool.end()
    assert ray.killed == workers
    return sorted(f"{r.key} {r.reason}" if isinstance(r, Failure) else r.key for r in found)


def test_a_pool_of_actors_yields_each_result_once_and_ends(tmp_path: Path) -> None:
    trials = make_trials(save_photos(tmp_path / "photos", 5))
    ray = _Ray(lambda batch: [make_outcome(trial) for trial in batch.trials])
    assert _keys(ray, trials) == sorted(trial.key for trial in trials)


def test_trials_fail_with_their_processes_but_never_with_their_nodes(tmp_path: Path) -> None:
    trials = make_trials(save_photos(tmp_path / "photos", 3))
    deadly = trials[1].key
    calls: list[str] = []

    def answer(batch: Batch) -> Any:
        calls.append(batch.trials[0].key)
        lost = calls.count(deadly) <= 9
        ray.living = set() if lost else {"a"}
        if batch.trials[0].key == deadly:
            raise _RayError
        return [make_outcome(batch.trials[0])]

    ray = _Ray(answer)
    reason = f"its worker process died {DEATHS} times (_RayError)"
    expected = [t.key for t in trials if t.key != deadly]
    assert _keys(ray, trials, workers=1) == sorted([*expected, f"{deadly} {reason}"])
    assert calls.count(deadly) == 9 + DEATHS


def test_workers_that_never_start_end_the_run() -> None:
    def fail(*_: Any) -> Any:
        raise _RayError("no room")

    ray = _Ray(fail)
    ray.get = fail  # type: ignore[method-assign,assignment]
    pool = _Pool(ray, Queue(iter([])), ray.start)
    pool.start_worker()
    with pytest.raises(ValueError, match="workers do not start: no room"):
        list(pool.results())
