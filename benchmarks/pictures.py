"""`python -m benchmarks pictures`: pictures as other networks judge them.

Inversions of photos from layers, and maximizations of classes, each with the defaults of preimage
or with settings by name, judged by networks that had no part in them. For each layer or setting a
row of means: the error, the judges' numbers, and the processor seconds of one picture on one
thread. `pictures_KIND.md` holds the table, `.csv` a line for every picture, `.png` the pictures.

    python -m benchmarks pictures --kind inversion --layers blocks.5,pool --judge efficientnet-lite2
    python -m benchmarks pictures --kind classes --class-count 40 --seeds 3 --set strength=10
    python -m benchmarks pictures --time --help    # the time to a picture, beside other packages
"""

from __future__ import annotations

import argparse
import ast
import time
from collections.abc import Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from PIL import Image

import preimage
from benchmarks import time_to_picture
from benchmarks.timing import machine, write_csv
from preimage.grid import Cell, draw_grid
from preimage.networks import Network
from preimage.photo_files import photo_paths
from preimage.presets import MODERN, PRESETS
from preimage.settings import Settings
from preimage.studies.judge import Judge

LAYERS = "blocks.5,blocks.8,blocks.13,pool"
CLASSES = "black swan,goose,tree frog,cheeseburger"
DEFAULT = "default"
"""The settings that preimage takes if none are named."""

_TOGETHER = 8
"""Number of classes that one call maximizes."""

_COLUMNS: dict[str, dict[str, tuple[str, float, int]]] = {
    "inversion": {
        "error %": ("error", 100, 1), "SSIM": ("ssim", 1, 2),
        "feature distance": ("feature_distance", 1, 3), "agreement": ("judge_agrees", 1, 2),
        "color error": ("color_error", 1, 1), "saturation ratio": ("saturation_ratio", 1, 2),
    },
    "classes": {
        "probability": ("judge_probability", 1, 3), "top-1": ("judge_top_1", 1, 3),
    },
}  # fmt: skip
"""The columns of each table: measure, factor and digits."""
_COMMON = {
    "slope": ("spectrum_slope", 1.0, 2), "gradients": ("natural_gradients", 1.0, 2),
    "saturation": ("saturation", 1.0, 1), "contrast": ("contrast", 1.0, 0),
    "seconds": ("seconds", 1.0, 1),
}  # fmt: skip

Found = tuple[list[dict[str, Any]], list[list[Cell]]]
"""The numbers of all pictures, and the pictures in rows."""


def main(arguments: Sequence[str]) -> None:
    """Make and judge the pictures that the arguments ask for."""
    if "--time" in arguments:
        time_to_picture.main([argument for argument in arguments if argument != "--time"])
        return
    chosen = _parser().parse_args(arguments)
    torch.set_num_threads(1)
    print(machine())
    chosen.out.mkdir(parents=True, exist_ok=True)
    network = preimage.network(chosen.network, weights=chosen.weights)
    judge = Judge(chosen.judge or ["efficientnet-lite1"])
    print(f"judged by {', '.join(one.name for one in judge.networks)}")
    for kind in chosen.kind or _COLUMNS:
        make = invert_photos if kind == "inversion" else maximize_classes
        rows, cells = make(network, judge, chosen)
        write_csv(chosen.out / f"pictures_{kind}.csv", rows)
        text = table(kind, rows + photo_numbers(chosen))
        (chosen.out / f"pictures_{kind}.md").write_text(text)
        draw_grid(cells).save(chosen.out / f"pictures_{kind}.png")
        print(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks pictures", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("--kind", action="append", choices=list(_COLUMNS), help="repeatable; default: both")
    add("--network", default="efficientnet-lite0")
    add("--weights", help="weights of the network")
    add("--layers", default=LAYERS, help="layers to invert, separated by commas")
    add("--classes", default=CLASSES, help="classes to maximize, separated by commas")
    add("--class-count", type=int, help="instead of --classes: so many, evenly spaced")
    add("--seeds", type=int, default=1, help="number of seeds")
    add("--first-seed", type=int, default=0)
    add("--judge", action="append", metavar="NETWORK", help="repeatable; default: Lite1")
    add("--photos", type=Path, action="append", help="file or folder; default: the shipped ones")
    add("--limit", type=int, help="largest number of photos")
    add("--settings", action="append", help="quality or preset by name; repeatable, to compare")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="a constant; repeatable")
    add("--out", type=Path, default=Path("pictures"), help="folder of tables and pictures")
    return parser


def invert_photos(network: Network, judge: Judge, chosen: argparse.Namespace) -> Found:
    """Invert every photo from every layer, with every settings and seed."""
    names = chosen.settings or [DEFAULT]
    rows, cells = [], []
    for path in photo_paths(chosen.photos)[: chosen.limit]:
        mine: list[Cell] = []
        for layer, name, seed in product(chosen.layers.split(","), names, _seeds(chosen)):
            phi = network.layer(layer)
            begin = time.process_time()
            result = preimage.invert(phi, path, seeds=[seed], settings=_of_layer(chosen, name, phi))
            row = {
                "layer": layer,
                "settings": _words(chosen, name),
                "photo": path.stem,
                "seed": seed,
            }
            row |= _numbers(result, 0, time.process_time() - begin, judge)
            _print(row)
            rows.append(row)
            if not mine and result.originals is not None:
                mine.append(Cell(result.preprocessing.to_pil(result.originals[0]), path.stem))
            label = f"{layer} {100 * row['error']:.1f} %, {row['feature_distance']:.2f}"
            mine.append(Cell(result.to_pil(), label if len(names) == 1 else f"{label} {name}"))
        cells.append(mine)
    return rows, cells


def maximize_classes(network: Network, judge: Judge, chosen: argparse.Namespace) -> Found:
    """Maximize every class with every settings and seed."""
    indices, seeds = _classes(network, chosen), _seeds(chosen)
    rows, cells = [], []
    for name, first in product(chosen.settings or [DEFAULT], range(0, len(indices), _TOGETHER)):
        part = indices[first : first + _TOGETHER]
        targets = [preimage.class_score(index) for index in part]
        begin = time.process_time()
        result = preimage.maximize(network, targets, seeds=seeds, settings=_preset(chosen, name))
        seconds = (time.process_time() - begin) / len(result)
        mine = []
        for n in range(len(result)):
            class_name = network.classes[part[result.sources[n]]]
            row = {
                "layer": network.score_layer,
                "settings": _words(chosen, name),
                "class": class_name,
            }
            row |= {"seed": result.seeds[n]} | _numbers(result, n, seconds, judge, class_name)
            _print(row)
            rows.append(row)
            label = f"{class_name.partition(',')[0]} {row['judge_probability'] or 0:.2f}"
            mine.append(Cell(result.to_pil(n), label))
        cells += [mine[n : n + _TOGETHER] for n in range(0, len(mine), _TOGETHER)]
    return rows, cells


def _print(row: dict[str, Any]) -> None:
    """Print what is known of a picture in a line."""
    known = {key: value for key, value in row.items() if value is not None}
    words = (f"{k} {v:.3g}" if isinstance(v, float) else str(v) for k, v in known.items())
    print(", ".join(words), flush=True)


def _seeds(chosen: argparse.Namespace) -> list[int]:
    return list(range(chosen.first_seed, chosen.first_seed + chosen.seeds))


def _classes(network: Network, chosen: argparse.Namespace) -> list[int]:
    """Return the indices of the classes to maximize."""
    if chosen.class_count is None:
        return [network.class_index(name) for name in chosen.classes.split(",")]
    count = len(network.classes)
    return [index * count // chosen.class_count for index in range(chosen.class_count)]


def _of_layer(
    chosen: argparse.Namespace, name: str, phi: preimage.Representation
) -> Settings | None:
    """Return the settings for inversions by name; None for the default of preimage."""
    if name == DEFAULT and not chosen.set:
        return None
    settings = preimage.settings_for(phi, "fast" if name == DEFAULT else name)
    return changed_settings(settings, chosen.set)


def _preset(chosen: argparse.Namespace, name: str) -> Settings | None:
    """Return the settings for maximizations by name; None for the default of preimage."""
    if name == DEFAULT and not chosen.set:
        return None
    return changed_settings(MODERN if name == DEFAULT else PRESETS[name], chosen.set)


def _words(chosen: argparse.Namespace, name: str) -> str:
    return " ".join([name, *chosen.set])


def changed_settings(settings: Settings, changes: Sequence[str]) -> Settings:
    """Return settings with constants that are given as NAME=VALUE."""
    pairs = (text.partition("=") for text in changes)
    return settings.replace(**{name: _value(text) for name, _, text in pairs})


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


def _numbers(
    result: preimage.PreImage, n: int, seconds: float, judge: Judge, class_name: str | None = None
) -> dict[str, Any]:
    """Return the numbers of a picture."""
    own = {key: value for key in ("error", "ssim") if (value := getattr(result, key)) is not None}
    found = {key: float(value[n]) for key, value in own.items()}
    return found | asdict(judge(result, n, class_name)) | {"seconds": seconds}


def table(kind: str, rows: Sequence[dict[str, Any]]) -> str:
    """Return the means over photos, classes and seeds as Markdown."""
    columns = _COLUMNS[kind] | _COMMON
    lines = [f"| layer | settings | {' | '.join(columns)} | n |", "|---" * (len(columns) + 3) + "|"]
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["layer"], row["settings"]), []).append(row)
    for (layer, name), alike in groups.items():
        cells = [_mean(alike, *column) for column in columns.values()]
        lines.append(f"| {layer} | {name} | {' | '.join(cells)} | {len(alike)} |")
    return "\n".join(lines) + "\n"


def _mean(rows: Sequence[dict[str, Any]], name: str, factor: float, digits: int) -> str:
    known = [row[name] for row in rows if row.get(name) is not None]
    return f"{factor * fmean(known):.{digits}f}" if known else ""


def photo_numbers(chosen: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the numbers of the photos themselves, which pictures of classes should have, too."""
    rows = []
    for path in photo_paths(chosen.photos)[: chosen.limit]:
        with Image.open(path) as photo:
            row = {"layer": "photos", "settings": "", "seconds": None}
            rows.append(row | asdict(Judge([]).judge(photo)))
    return rows
