"""How time and memory of an iteration grow with pixels, batch and depth.

`growth.csv` and `growth.png`: for VGG-16 and ResNet-18 with random weights, an iteration of
Algorithm 1 and the limit of `benchmarks.networks`, one forward and backward pass and nothing
else: milliseconds in processor time of one thread, and the peak of the tensors, without the
network's weights. Depth is the number of convolutions up to the layer.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.networks import COLOR, CPU, Case, bare, ours, peak_bytes
from benchmarks.plain_networks import resnet_18, vgg_16
from benchmarks.timing import interleaved, machine, write_csv
from preimage.representations.layer import Layer

DEPTHS = {
    "vgg-16": {"3": 2, "8": 4, "15": 7, "17": 8, "22": 10, "29": 13},
    "resnet-18": {"stem": 1, "layer1": 5, "layer2": 9, "layer3": 13, "layer4": 17},
}
"""Layers and the convolutions up to each; those of VGG-16 are numbers of its features."""
MIDDLE = {"vgg-16": "17", "resnet-18": "layer3"}
SIDES = (112, 160, 224, 320, 448)
BATCHES = (1, 2, 4, 8)


def run(out: Path) -> None:
    """About ten minutes of a quiet core."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    print(machine())
    models = {"vgg-16": vgg_16().get_submodule("features"), "resnet-18": resnet_18()[:-3]}
    rows = [row for name, model in models.items() for row in grown(name, model)]
    write_csv(out / "growth.csv", rows)
    plot(rows, out / "growth.png")


def grown(name: str, model: nn.Module) -> Iterator[dict[str, Any]]:
    """Yield the rows of a network, each with the quantity that grows in it."""
    model.requires_grad_(False)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for side in SIDES:
        yield {"by": "pixels", **measured(Case(name, MIDDLE[name], model), side, 1)}
    for batch in BATCHES:
        yield {"by": "batch", **measured(Case(name, MIDDLE[name], model), 224, batch)}
    for layer in DEPTHS[name]:
        yield {"by": "depth", **measured(Case(name, layer, model), 224, 1)}


def measured(case: Case, side: int, batch: int) -> dict[str, Any]:
    """Return a row: milliseconds and mebibytes of the limit and of ours."""
    phi, size = Layer(case.model, case.layer, COLOR), (side, side)
    makers = {"limit": partial(bare, case, batch, size), "ours": partial(ours, phi, batch, size)}
    with phi.session(CPU):
        calls = {name: partial(make(), 2) for name, make in makers.items()}
        seconds = interleaved(calls, 5, time.process_time)
    del calls
    with phi.session(CPU):
        peaks = {name: peak_bytes(make) for name, make in makers.items()}
    row = {
        "network": case.network,
        "layer": case.layer,
        "convolutions": DEPTHS[case.network][case.layer],
        "side": side,
        "batch": batch,
        **{f"{name}_ms": round(1e3 * value / 2, 1) for name, value in seconds.items()},
        **{f"{name}_mib": round(value / 2**20, 1) for name, value in peaks.items()},
    }
    print(row, flush=True)
    return row


def plot(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Time above memory, by pixels, batch and depth."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    columns = {"pixels": "side", "batch": "batch", "depth": "convolutions"}
    labels = {"pixels": "thousand pixels", "batch": "images", "depth": "convolutions"}
    figure, axes = plt.subplots(2, 3, figsize=(10, 5.6), sharex="col", layout="constrained")
    for line, (unit, label) in enumerate({"ms": "ms per iteration", "mib": "peak, MiB"}.items()):
        for axis, (by, column) in zip(axes[line], columns.items(), strict=True):
            for color, network in enumerate(DEPTHS):
                some = [row for row in rows if row["by"] == by and row["network"] == network]
                places = [r[column] ** 2 / 1e3 if by == "pixels" else r[column] for r in some]
                for who, style in {"limit": "--", "ours": "-"}.items():
                    values = [row[f"{who}_{unit}"] for row in some]
                    mark = {"color": f"C{color}", "linestyle": style, "marker": "."}
                    axis.plot(places, values, label=f"{network}, {who}", **mark)
            axis.set(ylim=(0, None), ylabel=label, xlabel=labels[by] if line else "")
    axes[0][0].legend(frameon=False)
    figure.savefig(path, dpi=130)
    print(f"wrote {path}")
