"""`python -m benchmarks threads`: what measuring the number of torch's threads brings.

Inversions of a shipped photo in so many steps with one thread, with all cores, and with the number
that is measured, as the machine is and beside one busy process for each core. Seconds by the
clock, in turn, and the ratio of the measured run to the better and to the worse of the two.
"""

import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

import preimage
from benchmarks.missing_operators import declare_missing_operators
from benchmarks.timing import machine, write_csv
from preimage.photo_files import shipped_photos
from preimage.representations.base import Representation

STEPS, ROUNDS, SIZE = 40, 3, 224
NAMES = ("hog", "dsift", "efficientnet-lite0/blocks.5", "torchvision:resnet18/layer3")


def run(out: Path) -> None:
    """Ten minutes, most of them of two threads on a busy machine."""
    declare_missing_operators()
    cores = len(os.sched_getaffinity(0))
    torch.set_num_threads(cores)
    print(machine())
    rows = []
    for others in (0, cores):
        with busy(others):
            for name in NAMES:
                weights = "random" if ":" in name else None
                phi = preimage.representation(name, weights)
                rows.append({"representation": name, "busy": others} | row(phi, cores))
                print(rows[-1], flush=True)
    write_csv(out / "threads.csv", rows)


def row(phi: Representation, cores: int) -> dict[str, float | str]:
    """Return the least seconds of each way, which way was taken, and the ratios."""
    numbers = {"one": 1, "all": cores, "measured": None}
    seconds: dict[str, list[float]] = {way: [] for way in numbers}
    taken = []
    settings = preimage.settings_for(phi, "fast").with_steps(STEPS)
    for _ in range(ROUNDS):
        for way, threads in numbers.items():
            began = time.perf_counter()
            found = preimage.invert(
                phi,
                shipped_photos()["chelsea"],
                size=(SIZE, SIZE),
                settings=settings,
                execution=preimage.Execution(threads=threads),
            )
            seconds[way].append(time.perf_counter() - began)
            if threads is None:
                taken.append(found.versions["threads"])
    least = {way: min(times) for way, times in seconds.items()}
    better, worse = sorted((least["one"], least["all"]))
    ratios = {
        "over_better": round(least["measured"] / better, 2),
        "over_worse": round(least["measured"] / worse, 2),
    }
    times = {f"{way}_s": round(value, 2) for way, value in least.items()}
    return times | {"taken": " ".join(taken)} | ratios


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many other processes that compute without an end."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_spin, daemon=True) for _ in range(count)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def _spin() -> None:
    while True:
        sum(range(10**6))
