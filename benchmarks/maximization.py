"""What a channel costs alone, in a batch of 16, and in a mosaic of 16, on EfficientNet-Lite0.

`maximization.csv`: milliseconds for one step of one channel: the difference between a
longer and a shorter run, so that what is done once does not count; the three in turn, the
median of several rounds, in processor time of one thread.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

import torch

import preimage
from benchmarks.timing import machine, write_csv
from preimage.presets import NNPREIMAGE

LAYERS = {"blocks.2": (10, 60), "blocks.5": (2, 10), "blocks.13": (2, 8)}
"""Each with the steps of the shorter and of the longer run."""
CHANNELS = 16
ROUNDS = 5
WAYS = {"alone": (1, False), "batch": (CHANNELS, False), "mosaic": (CHANNELS, True)}


def run(out: Path) -> None:
    """About five minutes."""
    torch.set_num_threads(1)
    print(machine())
    network = preimage.network("efficientnet-lite0")
    rows = []
    for name, (short, long) in LAYERS.items():
        layer = network.layer(name)
        field, size = layer.receptive_field, layer.preprocessing.size
        fits = field is not None and size is not None and field.size < min(size)
        ways = {way: WAYS[way] for way in WAYS if fits or way != "mosaic"}
        times: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(ROUNDS):
            for way, (count, mosaic) in ways.items():
                seconds = [_seconds(layer, count, mosaic, steps) for steps in (short, long)]
                times[way].append((seconds[1] - seconds[0]) / (long - short) / count)
        each = {way: 1e3 * median(values) for way, values in times.items()}
        rows.append(
            {
                "layer": name,
                **{f"{way}_ms": round(each[way], 2) if way in each else "" for way in WAYS},
                "batch_over_alone": round(each["batch"] / each["alone"], 2),
                "mosaic_over_alone": round(each["mosaic"] / each["alone"], 2) if fits else "",
            }
        )
        print(rows[-1])
    write_csv(out / "maximization.csv", rows)


def _seconds(layer: preimage.Layer, count: int, mosaic: bool, steps: int) -> float:
    """Time of a whole call, in the authors' preset without its final stage."""
    settings = NNPREIMAGE.replace(iterations=steps, final_iterations=0)
    begin = time.process_time()
    preimage.maximize(layer, range(count), maxima=[1.0] * count, mosaic=mosaic, settings=settings)
    return time.process_time() - begin
