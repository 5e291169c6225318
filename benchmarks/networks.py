"""Layers of networks at 224 x 224 on one thread: what our iteration costs beside the limit.

The limit is one forward pass up to the layer and one backward pass of a dense gradient to
the image, weights frozen, channels last in memory, nothing else.

1. `networks_batch.csv`: an image in a batch of 4 over one alone, layer by layer; for the first
   layers, where it costs most, whole inversions of 4 seeds too.
2. `networks_overhead.csv`: an iteration of Algorithm 1 (jitter, priors, loss, update and
   trace) over the limit, for the network as it is ("bare") and with its batch norm folded
   as ours is ("bare folded"); and the peak memory of both loops, from their preparation on,
   the network's weights included in the ratio.

Times are those of the process, because other processes share the machine.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

import preimage
from benchmarks.plain_networks import resnet_18, vgg_16
from benchmarks.timing import interleaved, machine, write_csv
from preimage.losses import SquaredDistance
from preimage.models.efficientnet_lite import EfficientNetLite
from preimage.objective import Objective
from preimage.optimizer.algorithm_1 import algorithm_1
from preimage.optimizer.recorder import Recorder
from preimage.preprocessing import Preprocessing
from preimage.presets import NNPREIMAGE
from preimage.representations.folding import fold_, shadow
from preimage.representations.forward_until import forward_until
from preimage.representations.layer import Layer
from preimage.solver_settings import Algorithm1
from preimage.visualizations import invert

SIZE = (224, 224)
COLOR = Preprocessing(mean=(127.5,) * 3, std=(64.0,), size=SIZE)
PHOTO = Path(preimage.__file__).parent / "photos/chelsea.jpg"
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Case:
    network: str
    layer: str
    model: nn.Module


def run(out: Path) -> None:
    """Run both parts, which takes about six minutes of one core."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    print(machine())
    batch(out)
    overhead(out)


def cases() -> list[Case]:
    """Return the networks, with random and frozen weights."""
    vgg, resnet = vgg_16().get_submodule("features"), resnet_18()[:-3]
    listed = [
        Case("vgg-16, relu4_3", "22", vgg),
        Case("vgg-16, relu5_3", "29", vgg),
        Case("resnet-18, layer3", "layer3", resnet),
        Case("efficientnet-lite0, head", "head", EfficientNetLite()),
    ]
    for case in listed:
        model: Any = case.model.eval().requires_grad_(False)
        model.to(memory_format=torch.channels_last)
    return listed


def bare(case: Case, batch: int, size: tuple[int, int] = SIZE) -> Callable[[int], None]:
    """So many forward and backward passes, and nothing else."""
    x = torch.randn(batch, 3, *size).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        gradient = torch.randn_like(forward_until(case.model, x, [case.layer])[case.layer])

    def steps(count: int) -> None:
        for _ in range(count):
            seen = x.detach().requires_grad_()
            code = forward_until(case.model, seen, [case.layer])[case.layer]
            torch.autograd.grad(code, seen, gradient)

    return steps


def bare_folded(case: Case, batch: int) -> Callable[[int], None]:
    """Return the same loop for the network with its batch norm folded."""
    copied = shadow(case.model)
    fold_(copied, forward_until(copied, torch.randn(1, 3, *SIZE), [case.layer])[case.layer])
    return bare(replace(case, model=copied.requires_grad_(False)), batch)


def ours(phi: Layer, batch: int, size: tuple[int, int] = SIZE) -> Callable[[int], None]:
    """So many iterations of Algorithm 1, inside a session."""
    margin = phi.default_jitter - 1
    start = torch.randn(batch, 3, size[0] + margin, size[1] + margin) * 40
    target = phi.encode(torch.randn(batch, 3, *size) * 40)
    weights = torch.full((batch,), 20.0)
    objective = Objective(phi, SquaredDistance(target), NNPREIMAGE, weights, size)

    def steps(count: int) -> None:
        offsets = torch.randint(margin + 1, (count, batch, 2))
        recorder = Recorder(count, weights, size, None, 0)
        algorithm_1(objective, start, NNPREIMAGE, Algorithm1(), 5e7, count, offsets, recorder)

    return steps


def overhead(out: Path) -> None:
    """Time and peak memory of our iteration over those of the bare loop."""
    rows = [compared(case, n) for n in (1, 8) for case in cases()]
    write_csv(out / "networks_overhead.csv", rows)


def compared(case: Case, n: int) -> dict[str, Any]:
    """Return a row of the table: milliseconds, mebibytes, and ratios."""
    phi = Layer(case.model, case.layer, COLOR)
    makers = {"bare": partial(bare, case, n), "ours": partial(ours, phi, n)}
    if any(isinstance(module, nn.BatchNorm2d) for module in case.model.modules()):
        makers["bare_folded"] = partial(bare_folded, case, n)
    steps, rounds = (5, 8) if n == 1 else (1, 4)
    with phi.session(CPU):
        calls = {name: partial(make(), steps) for name, make in makers.items()}
        seconds = interleaved(calls, rounds, time.process_time)
    del calls
    with phi.session(CPU):
        peaks = {name: peak_bytes(make) for name, make in makers.items()}
    weights = sum(p.numel() * p.element_size() for p in case.model.parameters())
    folded = seconds.get("bare_folded", seconds["bare"])
    row = {
        "network": case.network,
        "batch": n,
        **{f"{name}_ms": round(1e3 * seconds[name] / steps, 1) for name in ("bare", "ours")},
        "over_bare": round(seconds["ours"] / seconds["bare"], 3),
        "over_bare_folded": round(seconds["ours"] / folded, 3),
        **{f"{name}_mib": round(peaks[name] / 2**20, 1) for name in ("bare", "ours")},
        "weights_mib": round(weights / 2**20, 1),
        "memory_over_bare": round((peaks["ours"] + weights) / (peaks["bare"] + weights), 3),
    }
    print(row, flush=True)
    return row


def peak_bytes(make: Callable[[], Callable[[int], object]]) -> int:
    """Return the most that a loop holds at a time, its preparation included, without weights.

    By torch's profiler, so independent of `preimage.representations.memory.peak_bytes`.
    """
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        make()(3)
    results: Any = profiled.profiler
    events = results.kineto_results.events()
    changes = [event.nbytes() for event in events if event.name() == "[memory]"]
    return max(accumulate(changes))


def batch(out: Path) -> None:
    """Milliseconds per image of a batch of 4, over those of single images."""
    network = EfficientNetLite()
    rows = []
    for layer in ("stem", *(f"blocks.{n}" for n in (0, 1, 2, 5, 8, 13)), "head"):
        phi = Layer(network, layer, COLOR)
        with phi.session(CPU):
            single, together = ours(phi, 1), ours(phi, 4)
            calls = {"single": partial(single, 8), "batch": partial(together, 2)}
            rows.append(per_image("iteration", layer, calls, 8, 8))
    for layer in ("stem", "blocks.0"):
        phi = Layer(network, layer, COLOR)
        inversions = {"single": partial(seeds, phi, 1), "batch": partial(seeds, phi, 4)}
        rows.append(per_image("inversion", layer, inversions, 5, 4))
    write_csv(out / "networks_batch.csv", rows)


def seeds(phi: Layer, together: int) -> None:
    """Inverts one photo from 4 seeds, so many at a time."""
    for first in range(0, 4, together):
        invert(phi, PHOTO, seeds=range(first, first + together), settings=NNPREIMAGE)


def per_image(
    what: str, layer: str, calls: Mapping[str, Callable[[], object]], rounds: int, images: int
) -> dict[str, Any]:
    """Return a row of the table of batches."""
    seconds = interleaved(calls, rounds, time.process_time)
    row = {"what": what, "layer": layer}
    row |= {f"{name}_ms": f"{1e3 * value / images:.1f}" for name, value in seconds.items()}
    row["batch_over_single"] = f"{seconds['batch'] / seconds['single']:.3f}"
    print(row, flush=True)
    return row
