"""`python -m benchmarks pictures --time`: the time to a picture that other networks believe.

Each package maximizes the same classes of EfficientNet-Lite0, and preimage and plenoptic invert
the same photos, on one thread. A picture of a class is there when EfficientNet-Lite1 and Lite2 give
its class .9 on average, and go on doing so; one of an inversion, when its error is at most what
plenoptic reaches in its default number of steps. The time is processor time from the call on,
without imports and without the judges. `time_to_picture.csv` has a line for every picture, added
when it is ready; a second run makes those that are missing.

    python -m benchmarks pictures --time --skip faccent --classes goose
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import preimage
from benchmarks.peers.environments import ROOT, PeerError, python_of
from benchmarks.peers.listing import PEERS
from benchmarks.peers.makers import NETWORK
from benchmarks.side_by_side import CLASSES, photo_jobs
from benchmarks.timing import machine
from preimage.models.efficientnet_lite import find_weight_file

WORKS: tuple[tuple[str, str, dict[str, Any], int], ...] = (
    ("preimage", "defaults", {}, 15),
    ("preimage steps", "60 steps", {"steps": 60}, 0),
    ("preimage steps", "100 steps", {"steps": 100}, 0),
    ("torch-lucent", "defaults", {}, 10),
    ("faccent", "4 crops", {"nb_transforms": 4}, 3),
    ("torch-dreams", "defaults", {}, 5),
    ("torch-dreams", "rate 0.03, 300 steps", {"lr": 0.03, "iters": 300}, 10),
    ("torch-lucent", "rate 0.1", {"lr": 0.1}, 10),
    ("faccent", "defaults", {}, 3),
    ("dreamlens", "defaults", {}, 10),
    ("dreamlens", "rate 0.05, 300 steps", {"lr": 0.05, "steps": 300}, 20),
)
"""Package, setting in words, its constants, and the number of steps between two looks."""

_FIELDS = ("task", "package", "version", "setting", "reached", "steps", "seconds", "best")

Row = dict[str, Any]


def main(arguments: Sequence[str]) -> None:
    """Time the pictures that are missing, and print a table of all."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks pictures --time", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    names = sorted({work[0] for work in WORKS} | {"plenoptic"})
    parser.add_argument("--skip", action="append", default=[], choices=names, help="repeatable")
    parser.add_argument("--classes", default=",".join(CLASSES), help="separated by commas")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results")
    chosen = parser.parse_args(arguments)
    path = chosen.out / "time_to_picture.csv"
    for job, task, setting in missing(path, chosen.classes.split(","), chosen.skip):
        note(path, job, task, setting)
    network = preimage.network(NETWORK)
    for photo in photo_jobs(network, chosen.out) if "plenoptic" not in chosen.skip else ():
        job = {"weights": str(find_weight_file(NETWORK)), **photo}
        note(path, job | {"package": "plenoptic"}, photo["name"], "defaults")
        for row in read(path):
            if (row["task"], row["package"]) == (photo["name"], "plenoptic"):
                ours = job | {"package": "preimage", "error": float(row["best"])}
                note(path, ours, photo["name"], "fewest steps")
    rows = read(path)
    inversions = [row for row in rows if "blocks." in row["task"]]
    classes = [row for row in rows if row not in inversions]
    print("\n".join([machine(), "", *table(classes), "", *table(inversions)]))


def note(path: Path, job: Row, task: str, setting: str) -> None:
    """Carry out a job, and add what was found to the table, unless that is done."""
    if (task, job["package"], setting) in _done(path):
        return
    try:
        found = carried_out(job)
    except PeerError as error:
        print(f"{job['package']}: {error}", flush=True)
        return
    row = {**found, "task": task, "package": job["package"], "setting": setting}
    add(path, {name: row[name] for name in _FIELDS})
    print(", ".join(f"{name} {row[name]}" for name in _FIELDS), flush=True)


def _done(path: Path) -> set[tuple[str, str, str]]:
    return {(row["task"], row["package"], row["setting"]) for row in read(path)}


def missing(
    path: Path, classes: Sequence[str], skip: Sequence[str]
) -> Iterator[tuple[Row, str, str]]:
    """Return each job that is not in the table yet, class by class, with its words."""
    network = preimage.network(NETWORK)
    done = _done(path)
    shared = {"weights": str(find_weight_file(NETWORK))}
    for name in classes:
        for package, setting, settings, every in WORKS:
            if (name, package, setting) not in done and package not in skip:
                own = {"package": package, "settings": settings, "every": every}
                yield shared | own | {"class": network.class_index(name)}, name, setting


def carried_out(job: Row) -> Row:
    """Return what a process finds that does the job in the environment of its package.

    Raises:
        PeerError: if the package cannot be installed or fails.
    """
    peers = {peer.name: peer for peer in PEERS}
    python = python_of(peers[job["package"]]) if job["package"] in peers else Path(sys.executable)
    paths = [str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        asked = Path(folder) / "job.json"
        asked.write_text(json.dumps(job))
        finished = subprocess.run(
            [str(python), "-m", "benchmarks.peers.timed", str(asked)],
            env={**os.environ, **environment, "MPLBACKEND": "Agg"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if finished.returncode:
        raise PeerError((finished.stderr.strip().splitlines() or ["it said nothing"])[-1])
    found: Row = json.loads(finished.stdout)
    return found


def read(path: Path) -> list[Row]:
    """Return the rows of the table; none if there is no file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def add(path: Path, row: Row) -> None:
    """Add a row to the table."""
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, _FIELDS)
        if is_new:
            writer.writeheader()
        writer.writerow(row)


def table(rows: Sequence[Row]) -> list[str]:
    """Return the medians of each package and setting over all classes, as Markdown.

    What a package does not reach counts as infinitely late. The best is the highest probability
    of a class, or the error of an inversion.
    """
    lines = [
        "| package | setting | reached | median seconds | median steps | median of the best |",
        "|---|---|---|---|---|---|",
    ]
    for package, setting in dict.fromkeys((row["package"], row["setting"]) for row in rows):
        mine = [row for row in rows if (row["package"], row["setting"]) == (package, setting)]
        reached = [row for row in mine if row["reached"] == "True"]
        late = [float("inf")] * (len(mine) - len(reached))
        seconds = median([float(row["seconds"]) for row in reached] + late)
        steps = median([float(row["steps"]) for row in reached] + late)
        name = f"{package.partition(' ')[0]} {mine[0]['version']}"
        cells = [name, setting, f"{len(reached)} of {len(mine)}", f"{seconds:.1f}", f"{steps:.0f}"]
        best = median(float(row["best"]) for row in mine)
        lines.append("| " + " | ".join([*cells, f"{best:.2f}"]) + " |")
    return lines
