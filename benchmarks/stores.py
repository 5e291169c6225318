"""Seconds that stores of many trials take, and whether these grow with the number of trials.

`stores.csv`: for 1,000 and 10,000 trials of HOG, whose results are written as a worker's are but
without computing them and without waiting for the disk: processor time and wall-clock time of the
steps of a run, and of the commands, each in a process of its own. A command's first line is what
`preimage study report` prints before it writes pictures.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from PIL import Image

from benchmarks.timing import machine, write_csv
from preimage.studies.expansion import expand
from preimage.studies.loader import Loader
from preimage.studies.measures import Measures
from preimage.studies.outcome import Outcome
from preimage.studies.study import read_study
from preimage.studies.trial import Trial
from preimage.sweeps.store import Store

COUNTS = (1000, 10_000)
MEASURES = Measures(
    seconds=0.1, steps=3, energy=1.5, error=0.25, psnr=20.0, ssim=0.5, naturalness=0.75
)


def run(out: Path) -> None:
    """About three minutes of a quiet core."""
    print(machine())
    rows: dict[str, dict[str, Any]] = {}
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as folder:
            for what, cpu, wall in measured(Path(folder), count):
                row = rows.setdefault(what, {"what": what})
                row |= {f"{count}_cpu": round(cpu, 2), f"{count}_wall": round(wall, 2)}
                print(f"{count:6} {what:24} {cpu:7.2f} s of a core {wall:7.2f} s", flush=True)
    write_csv(out / "stores.csv", list(rows.values()))


def measured(folder: Path, count: int) -> Iterator[tuple[str, float, float]]:
    """Yield what was done with a store of so many trials, its processor time and its time."""
    write_study(folder, count)
    times: list[tuple[str, float, float]] = []
    with timed(times, "expand"):
        trials = expand(read_study(folder / "study.toml"), Loader(), folder)
    with Store(folder / "store", create=True) as store:
        with timed(times, "plan"):
            store.plan("study", trials)
        with timed(times, "records, all missing"):
            store.records("study")
        with timed(times, "claim all"):
            store.claim(trials)
        with timed(times, "keep all"):
            keep(store, trials)
        with timed(times, "records, all done"):
            store.records("study")
    yield from times
    for words in (["status", "store"], ["report", "store"], ["export", "store", "trials.csv"],
                  ["run", "study.toml", "--out", "store", "--dry-run"],
                  ["run", "study.toml", "--out", "store", "--workers", "1"]):  # fmt: skip
        yield command(folder, *words)


def write_study(folder: Path, count: int) -> None:
    """Write a study of ten photos, ten values of C, and as many seeds as give `count` trials."""
    (folder / "photos").mkdir()
    for seed in range(10):
        pixels = np.random.default_rng(seed).integers(0, 256, (25, 25), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / f"{seed}.png")
    text = 'representations = ["hog"]\nimages = ["photos"]\nsteps = 3\n'
    text += f"loss_weight = {list(range(1, 11))}\nseeds = {list(range(count // 100))}\n"
    (folder / "study.toml").write_text(text)


def keep(store: Store, trials: list[Trial]) -> None:
    """Keep a result of each trial, all with the same image, without waiting for the disk."""
    image = np.zeros((1, 24, 24), np.float32)
    picture, versions = image[0].astype(np.uint8), {"device": "cpu", "torch": "2", "batch": "1"}
    store._index.select("PRAGMA synchronous = OFF")
    with mock.patch.object(os, "fsync"):
        for number, trial in enumerate(trials):
            measures = replace(MEASURES, error=number / len(trials))
            store.put(Outcome(trial.key, measures, image, picture, versions))


@contextmanager
def timed(times: list[tuple[str, float, float]], what: str) -> Iterator[None]:
    """Add the time of a block to `times`."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    times.append((what, time.process_time() - cpu, time.perf_counter() - wall))


def command(folder: Path, *words: str) -> tuple[str, float, float]:
    """Run `preimage study`; a report is stopped after its first line, which only files follow."""
    begin, before = time.perf_counter(), processor_seconds()
    arguments = [sys.executable, "-m", "preimage", "study", *words]
    with subprocess.Popen(arguments, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None or not process.stdout.readline():
            raise RuntimeError(f"{arguments} printed nothing")
        if words[0] == "report":
            process.kill()
        process.communicate()
    what = " ".join(word for word in words if word.startswith("--dry") or word.isalpha())
    seconds = time.perf_counter() - begin
    return f"preimage study {what}", processor_seconds() - before, seconds


def processor_seconds() -> float:
    """Return the processor time of all processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
