"""500 visualizations in one process, in a random order: memory flat, and the same bits each time.

`endurance_inversions.csv` has a reading after every 10: memory, threads, open files, objects. Each
case is run many times; every run must give what its first one gave, bit for bit. The cases are
mostly inversions of HOG, dense SIFT and layers of EfficientNet-Lite0. Now and then there is a
maximization, a caricature, a batch, one by two workers, one that is stopped, and one that fails
because of bad input.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

import preimage
from benchmarks.endurance.readings import Reading, describe, read
from benchmarks.hashes.parts import Parts, data_hash, of_result, photo
from benchmarks.timing import machine, write_csv
from preimage import DSIFT, HOG, Execution, Layer, Network, PreImage
from preimage.optimizer import Progress

_EVERY = 10
_WARM_UP = 100
"""Number of runs after which growth is measured: every case has then been run."""
_ONE = Execution(threads=1)

Case = Callable[[], PreImage]


@cache
def _network() -> Network:
    return preimage.network("efficientnet-lite0")


@cache
def _kept_layer(name: str) -> Layer:
    """Return a layer that all runs share, as in a notebook; others are made anew each time."""
    return _network().layer(name)


def _inverted(rep: str, photos: Any, steps: int, **options: Any) -> Case:
    """Return an inversion by the fast solver: of HOG, HOGb, DSIFT or a layer of the network."""
    classical = {"hog": HOG(), "hogb": HOG(bilinear=True), "dsift": DSIFT()}

    def run() -> PreImage:
        layer = _network().layer if rep == "stem" else _kept_layer
        phi = classical[rep] if rep in classical else layer(rep)
        settings = preimage.settings_for(phi, "fast").with_steps(steps)
        names = [photos] if isinstance(photos, str) else photos
        images = [photo(one) if isinstance(one, str) else one for one in names]
        return preimage.invert(phi, images, **{"settings": settings, "execution": _ONE, **options})

    return run


def _stop_at(step: int) -> Callable[[Progress], None]:
    """Return a function for `progress` that does what Ctrl-C does at a step."""

    def report(progress: Progress) -> None:
        if progress.step >= step:
            raise KeyboardInterrupt

    return report


def _saved() -> PreImage:
    """Return an inversion that was written to a file and read back."""
    with tempfile.TemporaryDirectory() as folder:
        _inverted("hog", "rocket", 20, size=64)().save(Path(folder, "one.npz"))
        return PreImage.load(Path(folder, "one.npz"))


def _maximized() -> PreImage:
    layer, settings = _kept_layer("blocks.2"), preimage.MODERN.with_steps(6)
    return preimage.maximize(layer, [0, 3], settings=settings, execution=_ONE, size=64)


def _exaggerated() -> PreImage:
    settings = preimage.ANCHORED.with_steps(6)
    return preimage.caricature(
        _kept_layer("blocks.5"), photo("coffee"), settings=settings, execution=_ONE, size=96
    )


_ALGORITHM_1 = preimage.NNPREIMAGE.replace(iterations=5, final_iterations=3)
_OFTEN: dict[str, Case] = {
    "hog 64": _inverted("hog", "chelsea", 30, size=64),
    "hog 96, seed 3": _inverted("hog", "astronaut", 20, size=96, seeds=[3]),
    "hogb 41 x 57": _inverted("hogb", "coffee", 20, size=(41, 57)),
    "dsift 48": _inverted("dsift", "flower", 20, size=48),
    "dsift 64, seed 1": _inverted("dsift", "china", 20, size=64, seeds=[1]),
    "hog by Algorithm 1": _inverted("hog", "peaks", 1, size=48, settings=_ALGORITHM_1),
    "stem 64, layer made anew": _inverted("stem", "chelsea", 4, size=64),
    "blocks.2 48 x 64": _inverted("blocks.2", "coffee", 4, size=(48, 64)),
    "blocks.5 64, seed 2": _inverted("blocks.5", "flower", 4, size=64, seeds=[2]),
    "blocks.13 96": _inverted("blocks.13", "chelsea", 3, size=96),
    "classifier 64": _inverted("classifier", "astronaut", 3, size=64),
    "blocks.5 by Algorithm 1": _inverted("blocks.5", "china", 1, size=64, settings=_ALGORITHM_1),
}
_NOW_AND_THEN: dict[str, Case] = {
    "maximization": _maximized,
    "caricature": _exaggerated,
    "blocks.8 224": _inverted("blocks.8", "peaks", 3),
    "C chosen": _inverted("blocks.2", "rocket", 3, size=64, loss_weight="auto"),
    "batch of 6": _inverted("hog", ["chelsea", "coffee"], 20, size=(48, 64), seeds=range(3)),
    "batch of a layer": _inverted("blocks.2", "chelsea", 3, size=48, seeds=range(4)),
    "two workers": _inverted("hog", "flower", 100, size=160, seeds=range(4), workers=2),
    "two threads": _inverted("blocks.5", "coffee", 3, size=64, execution=Execution(threads=2)),
    "recomputed": _inverted("blocks.5", "coffee", 2, execution=Execution("auto", 60 * 2**20, 1)),
    "plain": _inverted("blocks.2", "coffee", 3, size=64, execution=Execution("plain", threads=1)),
    "snapshots": _inverted("dsift", "rocket", 20, size=48, snapshot_every=4),
    "saved and loaded": _saved,
    "stopped": _inverted("hog", "peaks", 60, size=64, progress=_stop_at(7)),
    "stopped, layer": _inverted("blocks.2", "peaks", 9, size=64, progress=_stop_at(3)),
    "fails: NaN": _inverted("hog", [np.full((32, 32), np.nan)], 9),
    "fails: too small": _inverted("dsift", [np.zeros((4, 4), np.uint8)], 9),
    "fails: no photo": _inverted("blocks.2", [__file__], 9),
    "fails: energy": _inverted(
        "hog", "chelsea", 9, size=64, prior=lambda images: images.sum((1, 2, 3)) * float("nan")
    ),
}


def main(arguments: Sequence[str]) -> None:
    """Run the visualizations, and write endurance_inversions.csv."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks endurance inversions")
    parser.add_argument("--count", type=int, default=500, help="number of runs")
    parser.add_argument("--seed", type=int, default=0, help="seed of their order")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"), help="folder")
    options = parser.parse_args(arguments)
    print(machine())
    began, processor = time.perf_counter(), time.process_time()
    readings, counts, differ = run(options.count, options.seed)
    for name, number in sorted(counts.items()):
        print(f"{number:4} x {name}")
    seconds, used = time.perf_counter() - began, time.process_time() - processor
    print(f"{options.count} runs in {seconds:.0f} s, {used:.0f} s of processor time")
    print("\n".join(describe(readings, min(_WARM_UP, options.count // 2), 100, "runs")))
    print(f"runs that differ from the first of their case: {len(differ)} {differ}")
    write_csv(options.out / "endurance_inversions.csv", [reading.row for reading in readings])


def run(count: int, seed: int) -> tuple[list[Reading], Counter[str], list[str]]:
    """Return readings, the number of runs of each case, and the runs that differ."""
    first: dict[str, Parts] = {}
    counts: Counter[str] = Counter()
    readings, differ = [read(0)], []
    for number, name in enumerate(order(count, seed), 1):
        parts = _parts((_OFTEN | _NOW_AND_THEN)[name])
        counts[name] += 1
        if first.setdefault(name, parts) != parts:
            differ.append(f"{number}: {name}")
        if number % _EVERY == 0:
            readings.append(read(number))
            print(readings[-1], flush=True)
    return readings, counts, differ


def order(count: int, seed: int) -> list[str]:
    """Return the names of the cases to run: each once in random order, then random ones."""
    chance, often, rest = random.Random(seed), list(_OFTEN), list(_NOW_AND_THEN)
    names = chance.sample(often + rest, len(often + rest))
    while len(names) < count:
        names.append(chance.choice(often if chance.random() < 0.8 else rest))
    return names[:count]


def _parts(case: Case) -> Parts:
    """Return checksums of all parts of a result, or that of an error's message."""
    state = torch.random.get_rng_state()
    try:
        result = case()
    except (ValueError, ArithmeticError) as error:
        parts = {type(error).__name__: data_hash(str(error))}
    else:
        parts = of_result(result) | {"interrupted": str(result.interrupted)}
    if not torch.equal(torch.random.get_rng_state(), state):
        parts["torch's generator"] = "changed"
    return parts
