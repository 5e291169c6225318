"""All three visualizations and the check on networks that are none of the paper's.

`coverage.csv`: for each layer of `benchmarks.strangers` the code, its channels and grid, the
verdicts of `preimage.check`, the error of an inversion, the share of M that a maximization
reaches, and the response of a caricature over the photo's, each after a few steps.
"""

import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import preimage
from benchmarks.missing_operators import declare_missing_operators
from benchmarks.strangers import STRANGERS
from benchmarks.timing import machine, write_csv
from preimage.presets import MODERN, NNPREIMAGE, settings_for
from preimage.representations.layer import Layer

PHOTO = Path(preimage.__file__).parent / "photos/chelsea.jpg"
STEPS = 4


def run(out: Path) -> None:
    """Try every layer, which takes about five minutes of one core."""
    declare_missing_operators()
    torch.set_num_threads(1)
    print(machine())
    warnings.simplefilter("ignore")  # the check's table says it
    rows = []
    for stranger in STRANGERS:
        network = stranger.network()
        print(f"{stranger.name}: class scores at {_score_layer(network)}")
        for name, channels in stranger.layers.items():
            try:
                rows.append({"network": stranger.name, **_try(network.layer(name), channels)})
            except ValueError as error:
                rows.append({"network": stranger.name, "layer": name, "error": str(error)})
            print(" | ".join(map(str, rows[-1].values())))
    keys = list(dict.fromkeys(key for row in rows for key in row))
    write_csv(out / "coverage.csv", [{key: row.get(key, "") for key in keys} for row in rows])


def _score_layer(network: preimage.Network) -> str:
    try:
        return network.score_layer
    except ValueError as error:
        return str(error)


def _try(layer: Layer, channels: int) -> dict[str, Any]:
    """Return one row of the table; `channels` is the number that the architecture has."""
    began = time.process_time()
    report = preimage.check(layer)
    seconds = time.process_time() - began
    size = layer.default_size
    (grid,) = layer.code_grids(*size).values()
    inverted = preimage.invert(layer, PHOTO, settings=settings_for(layer, "fast").with_steps(STEPS))
    last = grid.channels - 1
    found = preimage.maximize(layer, [0, last], size=size, settings=MODERN.with_steps(STEPS))
    exaggerated = preimage.caricature(layer, PHOTO, settings=NNPREIMAGE.with_steps(STEPS))
    return {
        "layer": layer.layer,
        "code": " x ".join(map(str, layer.code_shape(*size))),
        "channels": grid.channels,
        "right": grid.channels == channels,
        "grid": " x ".join(map(str, grid.grid)),
        "prefix": ", ".join(grid.prefix),
        "fails": "; ".join(f"{p.name}: {p.finding}" for p in report if p.verdict == "no"),
        "check seconds": round(seconds, 1),
        "inversion error": _first(inverted.error),
        "maximization": _first(found.response, found.maxima),
        "caricature": _first(exaggerated.response),
    }


def _first(values: Tensor | None, divisors: Sequence[float] | None = None) -> str:
    """Return the first of some values, divided by the first divisor, as text."""
    if values is None:
        return ""
    return f"{float(values[0]) / (divisors[0] if divisors else 1):.3g}"
