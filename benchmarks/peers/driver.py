"""A step of ours beside a step of each peer: the same layer, weights, image size and task.

`peers.csv`: for VGG-16 at `features.17` and ResNet-18 at `layer3` with random weights, at
224 x 224 pixels and on one thread, milliseconds of a step of ours and of the peer's in processor
time, and how often ours fits into the peer's: the median over rounds of the ratio in a round,
with its least and most. Each peer runs in an environment of its own, its process and ours
make steps in turn, and set-up does not count. `seen` is how many images of 224 x 224 pixels the
peer's network was shown in a step; ours sees each image once. "Defaults" is each package as it
comes, "eased" with its weights frozen beforehand and one view of each image. Ours is always as
it comes.

`peers.md`: the same as a table for docs/speed.md.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.peers.environments import PeerError, python_of
from benchmarks.peers.listing import PEERS, Peer, Work
from benchmarks.peers.processes import Worker
from benchmarks.plain_networks import NETWORKS
from benchmarks.timing import machine, write_csv

ROUNDS = 5
TURN = 1.5
"""Processor seconds that a process works at a time, roughly."""
MOST_STEPS = 40


def run(out: Path) -> None:
    """About twenty minutes of a quiet core, and two for each environment that is new."""
    torch.set_num_threads(1)
    about = machine()
    print(about)
    rows, failures = [], []
    for peer in PEERS:
        try:
            python = python_of(peer)
            for network in NETWORKS:
                rows += compared(peer, python, network)
        except PeerError as error:
            failures.append(f"{peer.name} {peer.version}: {error}")
            print(f"FAILED {failures[-1]}", flush=True)
    if rows:
        write_csv(out / "peers.csv", rows)
    text = "\n".join([about, "", *table(rows), "", *(f"Failed: {line}" for line in failures)])
    (out / "peers.md").write_text(text.rstrip() + "\n")
    print(text)
    if failures:
        sys.exit(f"{len(failures)} of {len(PEERS)} peers could not be measured")


def compared(peer: Peer, python: Path, network: str) -> list[dict[str, Any]]:
    """Return a row for each work of the peer on a network.

    Raises:
        PeerError: if the peer fails, or does not run the same weights under the same torch.
    """
    worker = ["-m", "benchmarks.peers.worker"]
    with (
        Worker([sys.executable, *worker, "preimage", peer.task, network]) as ours,
        Worker([str(python), *worker, peer.name, peer.task, network]) as theirs,
    ):
        for fact in ("torch", "weights"):
            if ours.facts[fact] != theirs.facts[fact]:
                raise PeerError(f"{fact} {theirs.facts[fact]}, but ours {ours.facts[fact]}")
        about = {
            "peer": peer.name,
            "version": theirs.facts["package"],
            "task": peer.task,
            "network": network,
            "layer": NETWORKS[network][1],
        }
        rows = []
        for work in peer.works:
            rows.append(
                {**about, "work": str(work), **alternated(ours, theirs, work, ROUNDS, TURN)}
            )
            print(rows[-1], flush=True)
        return rows


def alternated(
    ours: Worker, theirs: Worker, work: Work, rounds: int, turn: float
) -> dict[str, Any]:
    """Figures of both workers, who make steps in turn, each first in every other round."""
    pair = {"ours": ours, "theirs": theirs}
    steps = {}
    for name, worker in pair.items():
        alone = worker.measure(work, 1)["process"]
        steps[name] = min(max(round(turn / alone), 1), MOST_STEPS)
    answers: dict[str, list[dict[str, float]]] = {name: [] for name in pair}
    for index in range(rounds):
        for name in sorted(pair, reverse=bool(index % 2)):
            answers[name].append(pair[name].measure(work, steps[name]))
    ratios = _ratios(answers, "process")
    return {
        **{f"{name}_ms": round(1e3 * _median(answers[name], "process"), 1) for name in pair},
        "ratio": round(median(ratios), 2),
        "least": round(min(ratios), 2),
        "most": round(max(ratios), 2),
        "wall_ratio": round(median(_ratios(answers, "wall")), 2),
        "seen": round(_median(answers["theirs"], "seen"), 2),
    }


def _median(answers: Sequence[dict[str, float]], key: str) -> float:
    return median(answer[key] for answer in answers)


def _ratios(answers: dict[str, list[dict[str, float]]], key: str) -> list[float]:
    """Theirs over ours in each round."""
    pairs = zip(answers["ours"], answers["theirs"], strict=True)
    return [theirs[key] / ours[key] for ours, theirs in pairs]


def table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return the rows in Markdown."""
    lines = [
        "| peer | network | work | ours, ms | theirs, ms | seen | theirs over ours |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        ratio = f"{row['ratio']:.2f} ({row['least']:.2f}-{row['most']:.2f})"
        times = f"{row['ours_ms']:.1f} | {row['theirs_ms']:.1f} | {row['seen']:g}"
        peer = f"{row['peer']} {row['version']}"
        lines.append(f"| {peer} | {row['network']} | {row['work']} | {times} | {ratio} |")
    return lines
