"""`python -m benchmarks shell`: seconds from enter to picture, beside `python -c "import torch"`.

Each round runs a command in a new process of this interpreter, on one thread, and twice within
another process: the second time is that of a run once everything is loaded. `ratio` is the
command's processor time over that of importing torch, `start_up_ratio` the same without the time of
such a run; both are medians over the rounds of the ratios within a round. `shell.csv` holds all
medians.

    python -m benchmarks shell --rounds 9
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.peers.environments import ROOT
from benchmarks.timing import machine, write_csv
from preimage.photo_files import shipped_photos

_RUNS = {
    "HOG": "invert {photo} --rep hog",
    "EfficientNet-Lite0, blocks.5": "invert {photo} --rep efficientnet-lite0/blocks.5",
    "a class of EfficientNet-Lite0": "maximize efficientnet-lite0 --classes goose",
}
"""The command lines by name."""

_TWICE = """
import contextlib, io, sys, time
from preimage.cli import app
sys.argv[0] = "preimage"
for _ in range(2):
    begin = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        app()
print(time.process_time() - begin)
"""


def main(arguments: Sequence[str]) -> None:
    """Measure all commands, and write and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks shell", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=list(_RUNS), action="append", help="repeatable")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results")
    chosen = parser.parse_args(arguments)
    print(machine(), flush=True)
    rows = []
    for name in chosen.only or _RUNS:
        with tempfile.TemporaryDirectory() as folder:
            rows.append({"run": name, **measure(_RUNS[name], Path(folder), chosen.rounds)})
        print(", ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)
    write_csv(chosen.out / "shell.csv", rows)


def measure(command: str, folder: Path, rounds: int) -> dict[str, float]:
    """Return the medians of wall-clock and processor seconds of a command, and their ratios."""
    words = [*command.format(photo=shipped_photos()["chelsea"]).split(), "--out", str(folder)]
    torch, shell, again = ["-c", "import torch"], ["-m", "preimage", *words], ["-c", _TWICE, *words]
    found: list[tuple[float, ...]] = []
    for _ in range(rounds + 1):
        import_wall, import_cpu, _ = timed(torch)
        wall, cpu, _ = timed(shell)
        warm = float(timed(again)[2])
        share = (cpu - warm) / import_cpu
        found.append((wall, cpu, import_wall, import_cpu, warm, cpu / import_cpu, share))
    names = ("wall", "process", "torch_wall", "torch_process", "warm", "ratio", "start_up_ratio")
    columns = zip(*found[1:], strict=True)  # the first round fills the caches of the disk
    return {name: round(median(c), 3) for name, c in zip(names, columns, strict=True)}


def timed(arguments: Sequence[str]) -> tuple[float, float, str]:
    """Return wall-clock and processor seconds of a new interpreter, and what it printed.

    Raises:
        subprocess.CalledProcessError: if it fails.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # with it, everything compiles each time
    before = os.times()
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    after = os.times()
    cpu = sum(after[2:4]) - sum(before[2:4])  # user and system time of processes that have ended
    return after.elapsed - before.elapsed, cpu, done.stdout
