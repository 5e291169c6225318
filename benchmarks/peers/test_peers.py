"""The driver of `benchmarks peers`, with workers that only pretend to work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from benchmarks.peers import driver, environments
from benchmarks.peers.clock import Clock
from benchmarks.peers.environments import PeerError
from benchmarks.peers.listing import BATCH, DEFAULTS, EASED, PEERS, Peer, Work
from benchmarks.peers.loops import LOOPS, Task
from benchmarks.peers.processes import Worker
from benchmarks.peers.roi_align import roi_align
from benchmarks.plain_networks import resnet_18, vgg_16

PRETENDING = """
import json, sys
print(json.dumps({"package": "9", "torch": "1", "weights": 0.5}), flush=True)
for line, seconds in zip(sys.stdin, SECONDS):
    asked = json.loads(line)
    answer = {"process": seconds, "wall": 2 * seconds, "seen": asked["steps"]}
    print(json.dumps(answer), flush=True)
"""


def worker(script: str) -> Worker:
    return Worker([sys.executable, "-c", script])


def pretending(*seconds: float) -> Worker:
    return worker(PRETENDING.replace("SECONDS", str(seconds)))


def test_the_ratio_is_the_median_of_those_in_a_round() -> None:
    with pretending(0.1, 1, 10, 2) as ours, pretending(1, 2, 10, 12) as theirs:
        figures = driver.alternated(ours, theirs, EASED, rounds=3, turn=1)
    assert figures["ratio"] == 2  # of 2 / 1, 10 / 10 and 12 / 2; that of the medians is 5
    assert (figures["least"], figures["most"], figures["wall_ratio"]) == (1, 6, 2)
    assert (figures["ours_ms"], figures["theirs_ms"]) == (2000, 10000)


def test_a_turn_has_as_many_steps_as_fit_in_its_time() -> None:
    for alone, steps in ((0.3, 7), (5, 1), (1e-4, driver.MOST_STEPS)):
        with pretending(1, 1) as ours, pretending(alone, 1) as theirs:
            assert driver.alternated(ours, theirs, EASED, rounds=1, turn=2)["seen"] == steps


def test_a_worker_that_fails_or_ends_says_why() -> None:
    failing = 'print(\'{"failed": "ImportError: no lucent"}\')'
    with pytest.raises(PeerError, match="ImportError: no lucent"), worker(failing):
        pass
    with pytest.raises(PeerError, match="status 3: out of memory"):
        worker("import sys; print('out of memory', file=sys.stderr); sys.exit(3)").__enter__()
    with pretending() as ended, pytest.raises(PeerError, match="ended with status 0"):
        ended.measure(DEFAULTS, 1)


def test_a_peer_with_other_weights_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def started(command: list[str]) -> Worker:
        is_ours = "preimage" in command
        return worker(PRETENDING.replace("0.5", "0.5" if is_ours else "0.25"))

    monkeypatch.setattr(driver, "Worker", started)
    with pytest.raises(PeerError, match=r"weights 0\.25, but ours 0\.5"):
        driver.compared(PEERS[0], Path("python"), "resnet-18")


def test_a_peer_that_cannot_be_measured_is_named_and_the_others_are_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def python_of(peer: Peer) -> Path:
        if peer.name == "broken":
            raise PeerError("no matching distribution")
        return Path("python")

    row = {"version": "9", "work": "w", "ours_ms": 1.0, "theirs_ms": 3.0, "seen": 1.5}
    row |= {"ratio": 3.0, "least": 2.5, "most": 4.0}

    def compared(peer: Peer, python: Path, network: str) -> list[dict[str, Any]]:
        return [{"peer": peer.name, "network": network, **row}]

    peers = (Peer("broken", "1", (DEFAULTS,)), Peer("whole", "9", (DEFAULTS,)))
    monkeypatch.setattr(driver, "PEERS", peers)
    monkeypatch.setattr(driver, "python_of", python_of)
    monkeypatch.setattr(driver, "compared", compared)
    with pytest.raises(SystemExit, match="1 of 2 peers"):
        driver.run(tmp_path)
    page = (tmp_path / "peers.md").read_text()
    assert "Failed: broken 1: no matching distribution" in page
    assert "| whole 9 | vgg-16 | w | 1.0 | 3.0 | 1.5 | 3.00 (2.50-4.00) |" in page
    assert (tmp_path / "peers.csv").read_text().count("whole") == 2


def test_an_environment_is_used_again_once_it_is_complete(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commands: list[list[str]] = []
    status = 1

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        if "venv" in command:
            Path(command[-1]).mkdir(parents=True)
            return subprocess.CompletedProcess(command, 0, "", "")
        return subprocess.CompletedProcess(command, status, "", "hint\nERROR: no torch\nbye")

    monkeypatch.setattr(environments, "folder", lambda: tmp_path)
    monkeypatch.setattr(subprocess, "run", run)
    peer = Peer("torch-lucent", "0.1.8", (DEFAULTS,), undeclared=("tqdm",))
    with pytest.raises(PeerError, match="not installed: no torch"):
        environments.python_of(peer)
    status = 0
    python = environments.python_of(peer)
    assert commands[-1][0] == str(python)
    assert commands[-1][-2:] == ["torch-lucent==0.1.8", "tqdm"]
    assert all("constraints.txt" in " ".join(command) for command in commands if "pip" in command)
    count = len(commands)
    assert environments.python_of(peer) == python
    assert len(commands) == count


def test_setting_up_and_the_first_step_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    walls, processes = iter([100.0, 150.0, 152.0, 158.0]), iter([50.0, 75.0, 76.0, 79.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(walls))
    monkeypatch.setattr("time.process_time", lambda: next(processes))
    clock, model = Clock(), nn.Identity()
    clock.watch(model)
    for _ in range(4):
        model(torch.zeros(2, 3, 224, 112))
    assert clock.means() == {"wall": 4, "process": 2, "seen": 1}
    clock.restart()
    with pytest.raises(RuntimeError, match="too few"):
        clock.means()


@pytest.mark.parametrize("task", ["channel", "inversion"])
def test_ours_makes_the_steps_that_it_is_asked_for(task: str) -> None:
    model = nn.Sequential(nn.Conv2d(3, 16, 7, 4, 3), nn.ReLU())
    clock = Clock()
    LOOPS[f"preimage {task}"](Task(model, "1", clock), BATCH, 4)
    assert len(clock._wall) == 4
    assert clock.means()["seen"] == BATCH.images


def test_every_peer_has_a_loop_and_starts_at_its_defaults() -> None:
    for peer in PEERS:
        assert f"{peer.name} {peer.task}" in LOOPS
        assert peer.works[0] == DEFAULTS
    assert [str(work) for work in (DEFAULTS, EASED, Work(True, 4))] == [
        *("defaults", "eased", "eased, 4 images")
    ]


def test_workers_need_nothing_of_ours() -> None:
    script = "import sys; sys.modules['preimage'] = None; import benchmarks.peers.worker"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=environments.ROOT)


@pytest.mark.parametrize(("make", "count"), [(vgg_16, 138_357_544), (resnet_18, 11_689_512)])
def test_the_networks_have_the_published_numbers_of_parameters(make: Any, count: int) -> None:
    with torch.device("meta"):
        assert sum(p.numel() for p in make().parameters()) == count


def test_boxes_are_resampled_as_by_torchvision() -> None:
    module = pytest.importorskip("torchvision.ops.roi_align")
    x = torch.rand(1, 3, 12, 9, generator=torch.Generator().manual_seed(0))
    boxes = torch.tensor(
        [[0, 1.3, 2.1, 6.2, 9.8], [0, -3.0, -2.5, 4.0, 5.0], [0, 5.0, 4, 11, 15], [0, 2, 2, 2.1, 2]]
    )
    exact = module._roi_align.__wrapped__(x, boxes, 1.0, 16, 14, 1, False)
    outside = torch.zeros_like(exact, dtype=torch.bool)
    for n, (_, left, top, right, bottom) in enumerate(boxes.tolist()):
        rows = top + (torch.arange(16) + 0.5) / 16 * max(bottom - top, 1)
        columns = left + (torch.arange(14) + 0.5) / 14 * max(right - left, 1)
        outside[n] |= ((rows < -1) | (rows > 12))[:, None] | ((columns < -1) | (columns > 9))
    found = roi_align(x, boxes, (16, 14))
    torch.testing.assert_close(found[~outside], exact[~outside])
    assert bool(outside.any())
    assert not found[outside].any()  # as the compiled operator has it
    with pytest.raises(ValueError, match="no more pixels"):
        roi_align(x, boxes, (4, 4))
