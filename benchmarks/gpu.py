"""`python -m benchmarks gpu`: whole inversions on a GPU beside the same machine's CPU.

Drafts (20 steps) of one photo at 224 x 224 with 1, 16 and 64 seeds: seconds by the clock after one
run that is not counted, the mean error of the codes (so that a way which computes something else is
seen), and whether a repetition has the same bits. A CPU has one seed, and one or all threads,
whichever is faster. The networks have random weights, but for EfficientNet-Lite0.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

import preimage
from benchmarks.networks import COLOR, PHOTO, cases
from benchmarks.timing import machine, write_csv
from preimage.representations.base import Representation
from preimage.representations.layer import Layer

ON_GPU = ("plain", "auto", "graph", "compile", "bf16")
SEEDS = (1, 16, 64)


def run(out: Path) -> None:
    """About four minutes of an H200, a third of them compiling."""
    torch.manual_seed(0)
    print(f"{machine()}; {torch.cuda.get_device_name()}, CUDA {torch.version.cuda}")
    rows = []
    for name, phi in representations():
        ways = ON_GPU if phi.is_network else ("plain",)
        for device, way, seeds in [
            ("cpu", "auto", 1),
            *(("cuda", way, seeds) for way in ways for seeds in SEEDS),
        ]:
            row = {"representation": name, "device": device, "way": way, "seeds": seeds}
            row |= measured(phi, device, way, seeds)
            print(row, flush=True)
            rows.append(row)
    write_csv(out / "gpu.csv", rows)


def representations() -> Iterator[tuple[str, Representation]]:
    """Yield HOG, dense SIFT and one layer of each network."""
    for name in ("hog", "dsift"):
        yield name, preimage.representation(name)
    for case in cases():
        if case.network in ("vgg-16, relu4_3", "resnet-18, layer3"):
            yield case.network, Layer(case.model, case.layer, COLOR)
    yield "efficientnet-lite0, blocks.5", preimage.network("efficientnet-lite0").layer("blocks.5")


def measured(phi: Representation, device: str, way: str, seeds: int) -> dict[str, object]:
    """Return the row of one way."""
    settings = preimage.settings_for(phi, "draft")
    execution = preimage.Execution(accelerate=way)
    seconds: list[float] = []
    results: list[preimage.PreImage] = []
    for _ in range(2 if device == "cpu" else 3):
        began = time.perf_counter()
        results.append(
            preimage.invert(
                phi, PHOTO, size=224, seeds=range(seeds), settings=settings, device=device,
                execution=execution, progress=None,
            )
        )  # fmt: skip
        seconds.append(time.perf_counter() - began)
    error: Any = results[-1].error
    return {
        "ran": f"{results[-1].ran.network or ''} {results[-1].ran.mode}".strip(),
        "at_once": results[-1].ran.at_once,
        "first_s": round(seconds[0], 2),
        "seconds": round(min(seconds[1:]), 2),
        "error": round(float(error.mean()), 4),
        "repeats": all(torch.equal(results[0].images, one.images) for one in results),
    }
