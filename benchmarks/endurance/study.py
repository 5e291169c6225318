"""A study of 2,000 trials, killed again and again at random moments and run again until it is done.

Two workers each time. What happens is drawn from a fixed seed: SIGKILL of the run or of a worker,
SIGTERM, Ctrl-C, or two of them; mostly after some more results, now and then in the first seconds.
Then each result is compared with that of one undisturbed run, bit for bit. Counted are: results
lost or made twice, trials that were under way when a run ended, and what is left in the store and
in the folder for temporary files. `endurance_study.csv` has a row for each event.

Afterwards a study meets a full disk and a disk that cannot be written (as root: small tmpfs).
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.endurance import disks
from benchmarks.timing import machine, write_csv
from preimage.photo_files import shipped_photos

_STUDY = """
representations = ["hog", "hogb", "dsift", "efficientnet-lite0/stem"]
images = ["photos"]
loss_weight = [20, 100]
seeds = {seeds}
steps = 3
"""
_SIDES = ((32, 32), (32, 40), (33, 47), (40, 32), (48, 36), (36, 36), (44, 32), (48, 48))
_OF_A_SEED = 4 * 2 * len(_SIDES)
"""Number of trials with one seed."""
_EVENTS = ("kill", "kill", "worker", "worker", "terminate", "interrupt", "interrupt twice")
_PR_SET_CHILD_SUBREAPER = 36
_PATIENCE = 600.0
"""Most seconds without a new result; a run that takes longer hangs."""


def main(arguments: Sequence[str]) -> None:
    """Disturb a study, and write endurance_study.csv."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks endurance study")
    parser.add_argument("--trials", type=int, default=2000, help="least number of trials")
    parser.add_argument("--results-between", type=int, default=150, help="most between two events")
    parser.add_argument("--seed", type=int, default=0, help="seed of the events")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"), help="folder")
    options = parser.parse_args(arguments)
    print(machine())
    with suppress(OSError, AttributeError):  # workers of a killed run become our children then
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(Path(folder), options.trials)
        rows = disturb(runs, random.Random(options.seed), options.results_between)
        disturbed = _processor_seconds()
        calm = runs.begin("calm")
        print(f"calm run: exit status {calm.wait()}")
        calm_seconds = _processor_seconds() - disturbed
        print(f"processor time: {disturbed:.0f} s disturbed, {calm_seconds:.0f} s calm")
        print("\n".join(findings(runs, rows)))
        print("\n".join(disks.findings(runs.folder)))
    write_csv(options.out / "endurance_study.csv", rows)


@dataclass(frozen=True)
class Runs:
    """The runs of one study in a folder; each store is a folder there."""

    folder: Path
    trials: int

    def __post_init__(self) -> None:
        (self.folder / "temporary").mkdir()
        write_study(self.folder, -(-self.trials // _OF_A_SEED))

    def begin(self, store: str) -> subprocess.Popen[bytes]:
        """Begin a run of the study, or go on with it."""
        command = [sys.executable, "-m", "preimage", "study", "run", "study.toml"]
        with (self.folder / f"{store}.txt").open("ab") as output:
            return subprocess.Popen(
                [*command, "--out", store, "--workers", "2"],
                cwd=self.folder, stdout=output, stderr=output,
                env={**os.environ, "TMPDIR": str(self.folder / "temporary")},
            )  # fmt: skip


def write_study(folder: Path, seeds: int) -> None:
    """Write small photos of several sizes, and the study of them with so many seeds."""
    (folder / "photos").mkdir()
    for (name, path), side in zip(sorted(shipped_photos().items()), _SIDES, strict=False):
        with Image.open(path) as photo:
            photo.resize(side).save(folder / "photos" / f"{name}.png")
    (folder / "study.toml").write_text(_STUDY.format(seeds=list(range(seeds))))


def disturb(runs: Runs, chance: random.Random, most: int) -> list[dict[str, Any]]:
    """Run the study, with random events, until a run ends by itself; return a row for each."""
    rows: list[dict[str, Any]] = []
    store, process = runs.folder / "killed", runs.begin("killed")
    while True:
        before, kept = results(store), chance.randint(1, most)
        early, moment = chance.random() < 0.15, chance.random()
        event = chance.choice(_EVENTS)
        if early:
            _wait(process, 6 * moment)
        else:
            _wait_for(process, store, len(before) + kept)
            _wait(process, 0.1 * moment)
        if process.poll() is not None:
            rows.append(row(store, "end", process.returncode, before))
            return rows
        ended = strike(process, event, chance)
        rows.append(row(store, event, process.returncode if ended else None, before))
        print(rows[-1], flush=True)
        if ended:
            process = runs.begin("killed")


def strike(process: subprocess.Popen[bytes], event: str, chance: random.Random) -> bool:
    """Do something to a run; return whether it has ended, and all of its workers with it."""
    if event == "worker":
        children = [pid for pid, parent in processes() if parent == process.pid]
        if children:
            os.kill(chance.choice(children), signal.SIGKILL)
        return False
    signals = {"kill": signal.SIGKILL, "terminate": signal.SIGTERM}
    process.send_signal(signals.get(event, signal.SIGINT))
    if event == "interrupt twice":
        time.sleep(0.05 * chance.random())
        process.send_signal(signal.SIGINT)
    process.wait(_PATIENCE)
    end = time.monotonic() + _PATIENCE
    while orphans := [pid for pid, parent in processes() if parent == os.getpid()]:
        if time.monotonic() > end:
            raise TimeoutError(f"workers outlive their run: {orphans}")
        with suppress(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        time.sleep(0.01)
    return True


def row(store: Path, event: str, status: int | None, before: dict[str, Any]) -> dict[str, Any]:
    """Return what an event left: results, claims, and results of before that are not the same."""
    now = results(store)
    return {
        "event": event,
        "status": "" if status is None else status,
        "results": len(now),
        "lost_or_made_again": sum(now.get(key) != value for key, value in before.items()),
        "under_way": claims(store) if event not in ("worker", "end") else "",
        "partial_files": len(list(store.rglob(".partial-*"))),
        "locks": len(list(store.glob("runs/*"))),
    }


def findings(runs: Runs, rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield lines that compare the disturbed store with the calm one."""
    stores = [runs.folder / name for name in ("killed", "calm")]
    killed, calm = (dict(contents(store)) for store in stores)
    yield f"events: {dict(Counter(row['event'] for row in rows))}"
    restarts = sum(row["event"] not in ("worker", "end") for row in rows)
    yield f"restarts: {restarts}; exit status at the end: {rows[-1]['status']}"
    alone = len(set(killed) ^ set(calm))
    yield f"results: {len(killed)} disturbed, {len(calm)} calm, {alone} in one of them alone"
    differ = [key for key in killed if killed[key] != calm.get(key)]
    for reason, number in _select(
        stores[0], "SELECT reason, COUNT(*) FROM results WHERE status = 'failed' GROUP BY reason"
    ):
        yield f"failed: {number} of the disturbed: {reason}"
    yield f"results that differ from the calm run in any bit: {len(differ)} {differ[:3]}"
    yield f"kept results lost or made again: {sum(row['lost_or_made_again'] for row in rows)}"
    yield f"trials under way when a run ended: {sum(row['under_way'] or 0 for row in rows)}"
    done = [
        line.split()[4]
        for line in (stores[0] / "study.log").read_text().splitlines()
        if " done " in line
    ]
    yield f"lines of the log: {len(done)} done, {len(done) - len(set(done))} of them twice"
    left = [path for store in stores for path in store.rglob("*") if path.is_file()]
    other = [p.name for p in left if p.suffix not in (".png", ".npy") or p.name.startswith(".")]
    yield f"other files in the stores: {sorted(other)}; claims: {claims(stores[0])}"
    temporary = [path.name for path in (runs.folder / "temporary").iterdir()]
    yield f"left in the folder for temporary files: {temporary}"
    failed = (runs.folder / "killed.txt").read_text().count("Traceback")
    yield f"tracebacks on the screens of the runs: {failed}"


def results(store: Path) -> dict[str, float]:
    """Return when each trial failed, or its result was kept whose files are there, by its key."""
    files = {path.name for path in store.glob("results/*/[!.]*")}
    return {
        key: finished
        for key, status, finished in _select(store, "SELECT key, status, finished FROM results")
        if status == "failed" or {f"{key}.png", f"{key}.npy"} <= files
    }


def claims(store: Path) -> int:
    """Return the number of trials that runs have claimed."""
    return len(_select(store, "SELECT key FROM claims"))


def contents(store: Path) -> Iterator[tuple[str, tuple[bytes, bytes, dict[str, Any]]]]:
    """Yield the key of each result with its files and its numbers, all but the seconds."""
    for key, status, text in _select(store, "SELECT key, status, measures FROM results"):
        numbers = {
            "status": status,
            **json.loads(text or "{}"),
            "seconds": 0,
            "processor_seconds": 0,
        }
        image, picture = (
            (store / "results" / key[:2] / f"{key}{end}").read_bytes() for end in (".npy", ".png")
        )
        yield key, (image, picture, numbers)


def _select(store: Path, query: str) -> list[Any]:
    if not (store / "index.sqlite").exists():
        return []
    address = f"{(store / 'index.sqlite').as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=60)) as database:
        return database.execute(query).fetchall()


def processes() -> Iterator[tuple[int, int]]:
    """Yield the number of each process and that of its parent."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            yield int(path.parent.name), int(path.read_text().rsplit(")", 1)[1].split()[1])


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


def _wait_for(process: subprocess.Popen[bytes], store: Path, count: int) -> None:
    """Wait until there are so many results, or the run has ended."""
    last, since = -1, time.monotonic()
    while process.poll() is None and len(now := results(store)) < count:
        if len(now) != last:
            last, since = len(now), time.monotonic()
        if time.monotonic() - since > _PATIENCE:
            raise TimeoutError(f"no result for {_PATIENCE:.0f} seconds")
        time.sleep(0.05)


def _processor_seconds() -> float:
    """Return the processor time of all processes that were begun here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
