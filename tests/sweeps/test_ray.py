"""The Ray engine, where Ray is installed, on nodes that only the loopback connects."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from preimage.sweeps.ray_engine import ray_actors

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
    with pytest.raises(ValueError, match=r"pip install \"preimage\[ray\]\""):
        next(engine)


@pytest.mark.skipif(not _HAS_RAY, reason="needs ray")
def test_where_no_cluster_listens_there_is_one_clear_line() -> None:
    engine = ray_actors(
        iter([]), address="127.0.0.1:9", workers=1, threads=1, device="cpu", gpus=0
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"no Ray cluster at 127.0.0.1:9: .*refused"):
        next(engine)
