"""`python -m benchmarks solvers`: the default solver of networks beside Algorithm 1 at equal time.

Layers of five networks, two of them with random weights, and two shipped photos, one seed. The
default has the C that it takes by itself. Algorithm 1, with the constants of `nnpreimage` and the C
of its jittered part, has as many iterations as fit into the processor time of the default, in its
usual proportion of jittered and final ones; `sobolev-lbfgs` has the default's evaluations. For each
the error, the similarity to the photo and what EfficientNet-Lite1 says, or Lite2 of Lite1's own
pictures, and the seconds of the solver alone on one thread.

`solvers.csv` has a line for every inversion, `solvers.md` the table of docs/solver.md.

    python -m benchmarks solvers --network efficientnet-lite0 --layers blocks.5,pool
    python -m benchmarks solvers --solver default --set iterations=100 --set final_iterations=100
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median
from typing import Any

import torch

import preimage
from benchmarks.missing_operators import declare_missing_operators
from benchmarks.pictures import changed_settings
from benchmarks.timing import machine, write_csv
from preimage.photo_files import shipped_photos
from preimage.settings import Settings
from preimage.studies.judge import Judge


@dataclass(frozen=True)
class Subject:
    """A network, and how it is inverted and judged."""

    network: str
    layers: str
    weights: str | None = None
    size: tuple[int, int] | None = None
    judge: str = "efficientnet-lite1"


SUBJECTS = {
    "efficientnet-lite0": Subject(
        "efficientnet-lite0", "stem,blocks.2,blocks.5,blocks.8,blocks.13,pool"
    ),
    "efficientnet-lite1": Subject(
        "efficientnet-lite1", "blocks.5,blocks.13", judge="efficientnet-lite2"
    ),
    "vgg-16-shaped": Subject(
        "import:benchmarks.hed.trunk", "relu1_2,relu2_2,relu3_3,relu4_3,relu5_3", size=(112, 112)
    ),
    "resnet-50-random": Subject(
        "torchvision:resnet50", "layer1,layer2,layer3,layer4", "random", (112, 112)
    ),
    "vit-tiny-random": Subject(
        "timm:vit_tiny_patch16_224", "blocks.2,blocks.6,blocks.11", "random"
    ),
}
PHOTOS = "chelsea,coffee"
SOLVERS = ("default", "algorithm-1", "sobolev-lbfgs")
_CALIBRATION = 12
"""Iterations that time one of Algorithm 1."""


def main(arguments: Sequence[str]) -> None:
    """Invert the layers that the arguments choose; all take about 40 minutes of one core."""
    chosen = _parser().parse_args(arguments)
    torch.set_num_threads(1)
    declare_missing_operators()
    print(machine())
    chosen.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for name in chosen.network or SUBJECTS:
        subject = SUBJECTS[name]
        network, judge = (
            preimage.network(subject.network, weights=subject.weights),
            Judge([subject.judge]),
        )
        for layer in (chosen.layers or subject.layers).split(","):
            for photo in chosen.photos.split(","):
                found = _compare(network.layer(layer), photo, subject, judge, chosen)
                rows += [{"network": name, "layer": layer, "photo": photo} | row for row in found]
    write_csv(chosen.out / "solvers.csv", rows)
    text = table(rows)
    (chosen.out / "solvers.md").write_text(text)
    print(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks solvers", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("--network", action="append", choices=list(SUBJECTS), help="repeatable; default: all")
    add("--layers", help="layers of the network, separated by commas")
    add("--photos", default=PHOTOS, help="shipped photos, separated by commas")
    add("--solver", action="append", choices=SOLVERS, help="repeatable; default: all")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="a constant of default")
    add("--out", type=Path, default=Path("benchmarks/results"), help="folder of the table")
    return parser


def _compare(
    layer: preimage.Representation,
    photo: str,
    subject: Subject,
    judge: Judge,
    chosen: argparse.Namespace,
) -> list[dict[str, Any]]:
    """Invert a photo from a layer by each solver."""
    rows, seconds = [], 0.0
    for solver in chosen.solver or SOLVERS:
        if solver == "default":
            settings = changed_settings(preimage.settings_for(layer, "fast"), chosen.set)
        elif solver == "algorithm-1":
            settings = preimage.settings_for(layer, "nnpreimage")
            if seconds:
                short = settings.with_steps(_CALIBRATION).replace(final_iterations=0)
                _, times = _timed(layer, photo, subject, short)
                settings = _fitting(settings, seconds / median(b - a for a, b in pairwise(times)))
        else:
            settings = preimage.settings_for(layer, "fast", solver)
        result, times = _timed(layer, photo, subject, settings)
        similarity: Any = result.ssim
        row: dict[str, Any] = {
            "solver": solver,
            "steps": len(times),
            "C": result.loss_weights[0],
            "error": result.describe()["error"],
            "ssim": float(similarity[0]),
            "seconds": times[-1] - times[0],
        } | asdict(judge(result))
        seconds = seconds or row["seconds"]
        known = {key: value for key, value in row.items() if value is not None}
        words = (f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in known.items())
        print(layer.name, photo, ", ".join(words), flush=True)
        rows.append(row)
    return rows


def _timed(
    layer: preimage.Representation, photo: str, subject: Subject, settings: Settings
) -> tuple[preimage.PreImage, list[float]]:
    """Invert a photo; return also the processor time after each step."""
    times: list[float] = []
    result = preimage.invert(
        layer, shipped_photos()[photo], size=subject.size, settings=settings,
        progress=lambda _: times.append(time.process_time()),
    )  # fmt: skip
    return result, times


def _fitting(settings: Settings, steps: float) -> Settings:
    """Return settings of Algorithm 1 with so many steps in all, in the same proportion."""
    constants = settings.constants()
    first, final = constants["iterations"], constants["final_iterations"]
    last = max(1, round(steps * final / (first + final)))
    return settings.replace(iterations=max(1, round(steps) - last), final_iterations=last)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the means over the photos as Markdown."""
    solvers = list(dict.fromkeys(row["solver"] for row in rows))
    columns = [f"{solver}: error, distance, agreement, SSIM, seconds" for solver in solvers]
    lines = ["| network | layer | C | " + " | ".join(columns) + " |"]
    lines.append("|---" * (3 + len(solvers)) + "|")
    for network, layer in dict.fromkeys((row["network"], row["layer"]) for row in rows):
        mine = [row for row in rows if (row["network"], row["layer"]) == (network, layer)]
        cells = [_cell([row for row in mine if row["solver"] == solver]) for solver in solvers]
        weights = dict.fromkeys(f"{row['C']:g}" for row in mine if row["solver"] == solvers[0])
        lines.append(f"| {network} | {layer} | {', '.join(weights)} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(rows: Sequence[dict[str, Any]]) -> str:
    """Return the means of one solver at one layer."""
    names = ("error", "feature_distance", "judge_agrees", "ssim", "seconds")
    error, distance, agreement, ssim, seconds = (fmean(row[name] for row in rows) for name in names)
    return f"{100 * error:.1f} %, {distance:.3f}, {agreement:.2f}, {ssim:.2f}, {seconds:.1f} s"
