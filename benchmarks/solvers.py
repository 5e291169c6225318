"""`python -m benchmarks solvers`: sobolev-lbfgs beside Algorithm 1, layer by layer.

EfficientNet-Lite0 with its trained weights, three shipped photos, one seed, each layer's own C: the
error, the similarity to the photo, and the processor time of one thread. Algorithm 1 evaluates the
energy 350 times, with jitter and then without, `fast` 200 times and `best` 350 times.

`solvers.csv` has every inversion, `solvers.md` the table of docs/solver.md.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from benchmarks.timing import machine, write_csv
from preimage import NNPREIMAGE, invert
from preimage.catalog import network
from preimage.photo_files import shipped_photos
from preimage.presets import SOBOLEV_QUALITIES

LAYERS = ("stem", "blocks.2", "blocks.5", "blocks.8", "blocks.13", "pool", "classifier")
PHOTOS = ("chelsea", "coffee", "rocket")
SOLVERS = {"algorithm-1": NNPREIMAGE, **{k: SOBOLEV_QUALITIES[k] for k in ("fast", "best")}}


def run(out: Path) -> None:
    """Run all inversions, which takes about ten minutes of one core."""
    torch.set_num_threads(1)
    print(machine())
    lite, rows = network("efficientnet-lite0"), []
    for name in LAYERS:
        layer = lite.layer(name)
        for photo in PHOTOS:
            for solver, settings in SOLVERS.items():
                begin = time.process_time()
                result = invert(
                    layer, shipped_photos()[photo],
                    settings=settings.replace(loss_weight=layer.loss_weight),
                )  # fmt: skip
                seconds = time.process_time() - begin
                similarity: Any = result.ssim
                row = {
                    "layer": name,
                    "C": layer.loss_weight,
                    "photo": photo,
                    "solver": solver,
                    "error_percent": round(100 * result.describe()["error"], 2),
                    "ssim": round(float(similarity), 3),
                    "seconds": round(seconds, 1),
                }
                print(row, flush=True)
                rows.append(row)
    write_csv(out / "solvers.csv", rows)
    (out / "solvers.md").write_text(table(rows))
    print((out / "solvers.md").read_text())


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Means over the photos as Markdown: error, SSIM and seconds of each solver."""
    lines = ["| layer | C | " + " | ".join(SOLVERS) + " |", "|---" * (2 + len(SOLVERS)) + "|"]
    for layer in dict.fromkeys(row["layer"] for row in rows):
        mine = [row for row in rows if row["layer"] == layer]
        cells = []
        for solver in SOLVERS:
            alike = [row for row in mine if row["solver"] == solver]
            error, ssim, seconds = (
                fmean(row[key] for row in alike) for key in ("error_percent", "ssim", "seconds")
            )
            cells.append(f"{error:.1f} %, {ssim:.2f}, {seconds:.1f} s")
        lines.append(f"| {layer} | {mine[0]['C']:g} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
