"""Many at once: commands with one worker and with several, and how long a worker takes to start.

Every command is a process of its own, as from a shell, from its start to its end. `ratio` is its
wall-clock time over that with one worker. `ratio_free` is the same of processor times, where those
of the workers count divided by their number: what cores give that nobody else uses.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.timing import machine, write_csv
from preimage.photo_files import shipped_photos
from preimage.workers import Reporter, share

_NETWORK = "efficientnet-lite0"
_SCRIPT = """
import contextlib, json, resource, sys
from preimage.cli import app
with contextlib.suppress(SystemExit):
    app()
def seconds(who):
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime
who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
print(json.dumps([seconds(n) for n in who]), file=sys.stderr)
"""


def main(arguments: Sequence[str]) -> None:
    """Run the commands in turn, and write workers.csv."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks workers", description=__doc__)
    parser.add_argument("--workers", type=int, default=2, help="number of workers")
    parser.add_argument("--steps", type=int, default=100, help="steps of a channel")
    parser.add_argument("--rounds", type=int, default=3, help="times that each command runs")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"), help="folder")
    parser.add_argument("--only", default="", help="a part of the names of the cases to run")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    print(machine())
    _print_starts()
    with TemporaryDirectory() as folder:
        cases = _cases(Path(folder), options.steps)
        chosen = {case: words for case, words in cases.items() if options.only in case}
        rows = list(_measure(chosen, Path(folder) / "out", options.workers, options.rounds))
    write_csv(options.out / "workers.csv", rows)


def _print_starts() -> None:
    """Print the seconds until two workers have answered, for each way to start them."""
    for method in ("fork", "forkserver", "forkserver", "spawn"):
        began = time.perf_counter()
        list(share(_answer, [0, 1], workers=2, method=method))
        print(f"{method}: 2 workers answer after {time.perf_counter() - began:.2f} s")


def _answer(task: int, reporter: Reporter) -> int:
    return task


def _cases(folder: Path, steps: int) -> dict[str, Sequence[str]]:
    """Return the commands by name; photos are put into the folder."""
    photos = folder / "photos"
    photos.mkdir()
    for path in list(shipped_photos().values())[:8]:
        shutil.copy(path, photos)
    random = ("--weights", "random")
    return {
        "16 channels of blocks.5": (
            "maximize", f"{_NETWORK}/blocks.5", "--channels", "0-15", "--steps", str(steps),
            *random,
        ),
        "8 photos, blocks.5": ("invert", str(photos), "--rep", f"{_NETWORK}/blocks.5", *random),
        "8 photos, HOG, best": (
            "invert", str(photos), "--rep", "hog", "--quality", "best",
        ),
    }  # fmt: skip


def _measure(
    cases: Mapping[str, Sequence[str]], out: Path, workers: int, rounds: int
) -> Iterator[dict[str, Any]]:
    for case, words in cases.items():
        found: dict[int, list[tuple[float, float, float]]] = {1: [], workers: []}
        sums = set()
        for _ in range(rounds):
            for number, times in found.items():
                shutil.rmtree(out, ignore_errors=True)
                times.append(_run([*words, "--out", str(out)], number))
                sums.add(_checksum(out))
        whole, own, shared = (
            {number: median(t[part] for t in times) for number, times in found.items()}
            for part in range(3)
        )
        for number in found:
            free = own[number] + shared[number] / number
            row = {
                "case": case, "workers": number, "seconds": round(whole[number], 2),
                "processor": round(own[number], 2), "of_workers": round(shared[number], 2),
                "ratio": round(whole[number] / whole[1], 3),
                "ratio_free": round(free / (own[1] + shared[1]), 3), "same": len(sums) == 1,
            }  # fmt: skip
            print(row)
            yield row


def _run(words: Sequence[str], workers: int) -> tuple[float, float, float]:
    """Return the seconds of a command, its processor time and that of its workers."""
    own = ["--workers", str(workers), *(["--threads", "1"] if workers == 1 else [])]
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, *words, *own], check=True, capture_output=True, text=True
    )
    seconds = time.perf_counter() - began
    itself, children = json.loads(done.stderr.splitlines()[-1])
    return seconds, itself, children


def _checksum(folder: Path) -> str:
    """Return a checksum of all pictures."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.png")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
