"""`python -m benchmarks side_by_side`: our pictures beside those of other packages, judged.

Every package maximizes the same classes of EfficientNet-Lite0 at its defaults, and inverts the same
photos; networks that had no part in it judge the pictures as they are saved, in 8 bits. Each
package runs in an environment of its own, one after the other, on one thread; seconds are processor
time. Pictures are kept in OUT, and a second run makes only those that are missing.
`side_by_side_classes.md` and `side_by_side_inversion.md` hold tables, `.csv` a line for every
picture, `.jpg` the pictures.

    python -m benchmarks side_by_side
    python -m benchmarks side_by_side --only preimage --only plenoptic    # makes these once more
    python -m benchmarks side_by_side --skip horama --skip "horama maco"
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from PIL import Image, ImageDraw, ImageFont

import preimage
from benchmarks.peers.environments import ROOT, PeerError, python_of
from benchmarks.peers.listing import PEERS
from benchmarks.peers.makers import INVERTED, MAXIMIZED, NETWORK, SIDE
from benchmarks.timing import machine, write_csv
from preimage.files import file_name
from preimage.grid import Cell, draw_grid
from preimage.models.efficientnet_lite import find_weight_file
from preimage.networks import Network
from preimage.photo_files import shipped_photos
from preimage.studies.judge import Judge

CLASSES = (
    *("black swan", "goose", "tree frog", "cheeseburger"),
    *("Egyptian cat", "sports car", "strawberry", "beacon"),
)
PHOTOS, LAYERS = ("chelsea", "coffee"), ("blocks.5", "blocks.13")
JUDGES = ("efficientnet-lite1", "efficientnet-lite2")

_CELL = 128
"""Height and width of a picture in a grid."""

_COMMON = {
    "slope": ("spectrum_slope", 1.0, 2), "gradients": ("natural_gradients", 1.0, 2),
    "saturation": ("saturation", 1.0, 1), "contrast": ("contrast", 1.0, 0),
    "seconds": ("seconds", 1.0, 1),
}  # fmt: skip
_COLUMNS: dict[str, dict[str, tuple[str, float, int]]] = {
    "classes": {
        "probability": ("judge_probability", 1, 3), "top-1": ("judge_top_1", 1, 2), **_COMMON,
    },
    "inversion": {
        "error %": ("error", 100, 1), "feature distance": ("feature_distance", 1, 3),
        "agreement": ("judge_agrees", 1, 2), "color error": ("color_error", 1, 1),
        "saturation ratio": ("saturation_ratio", 1, 2), **_COMMON,
    },
}  # fmt: skip
"""The columns of each table: measure, factor and digits."""

Row = dict[str, Any]


def main(arguments: Sequence[str]) -> None:
    """Make the missing pictures, judge all of them, and write tables and grids."""
    chosen = _parser().parse_args(arguments)
    torch.set_num_threads(1)
    network = preimage.network(NETWORK)
    judge = Judge(JUDGES)
    for kind, packages in (("classes", list(MAXIMIZED)), ("inversion", list(INVERTED))):
        jobs = class_jobs(network) if kind == "classes" else photo_jobs(network, chosen.out)
        failures = []
        for package in packages:
            try:
                make(chosen.out / kind / package, package, jobs, chosen)
            except PeerError as error:
                failures.append(f"{package}: {error}")
        rows = judged(chosen.out / kind, packages, jobs, network, judge)
        write(chosen.out, kind, jobs, rows, failures)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks side_by_side", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    names = list(MAXIMIZED | INVERTED)
    add = parser.add_argument
    add("--only", action="append", choices=names, help="package to run once more; repeatable")
    add("--skip", action="append", default=[], choices=names, help="not to run; repeatable")
    add("--out", type=Path, default=Path("side_by_side"), help="folder of pictures and tables")
    return parser


def class_jobs(network: Network) -> list[Row]:
    """Return what every package is asked to maximize."""
    return [{"name": name, "class": network.class_index(name)} for name in CLASSES]


def photo_jobs(network: Network, out: Path) -> list[Row]:
    """Return what every package is asked to invert: photos, cut as the network sees them."""
    folder = out / "photos"
    folder.mkdir(parents=True, exist_ok=True)
    jobs = []
    for photo in PHOTOS:
        path = folder / f"{photo}.png"
        image = network.preprocessing.load(shipped_photos()[photo])
        network.preprocessing.to_pil(image).save(path)
        jobs += [
            {"name": f"{photo} {layer}", "photo": str(path), "layer": layer, "seconds": 0.0}
            for layer in LAYERS
        ]
    return jobs


def make(folder: Path, package: str, jobs: Sequence[Row], chosen: argparse.Namespace) -> None:
    """Make the pictures of a package that are missing, or all of them if it is among --only.

    A package that inverts has as much time for a picture as preimage took.

    Raises:
        PeerError: if the package cannot be installed or fails.
    """
    wanted = []
    for job in jobs:
        name = file_name(job["name"])
        if package in (chosen.only or ()) or not (folder / f"{name}.json").exists():
            ours = folder.parent / "preimage" / f"{name}.json"
            limit = json.loads(ours.read_text()) if ours.exists() else {}
            wanted.append({**job, **limit, "name": str((folder / name).resolve())})
    if not wanted or package in chosen.skip or package not in (chosen.only or [package]):
        return
    folder.mkdir(parents=True, exist_ok=True)
    asked = folder / "jobs.txt"
    asked.write_text(json.dumps({"weights": str(find_weight_file(NETWORK)), "jobs": wanted}))
    peers = {peer.name: peer for peer in PEERS}
    name = package.partition(" ")[0]
    python = python_of(peers[name]) if name in peers else Path(sys.executable)
    command = [str(python), "-m", "benchmarks.peers.pictures", package, str(asked.resolve())]
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    environment = {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    finished = subprocess.run(
        command, env={**os.environ, **environment}, stderr=subprocess.PIPE, text=True, check=False
    )
    if finished.returncode:
        raise PeerError((finished.stderr.strip().splitlines() or ["it said nothing"])[-1])


def judged(
    folder: Path, packages: Sequence[str], jobs: Sequence[Row], network: Network, judge: Judge
) -> list[Row]:
    """Return the numbers of every picture that is there."""
    rows = []
    for package in packages:
        for job in jobs:
            facts = folder / package / f"{file_name(job['name'])}.json"
            if not facts.exists():
                continue
            row = {"package": package, "picture": job["name"]} | json.loads(facts.read_text())
            with Image.open(facts.with_suffix(".png")) as picture:
                rows.append(row | _numbers(job, picture.convert("RGB"), network, judge))
    return rows


def _numbers(job: Row, picture: Image.Image, network: Network, judge: Judge) -> Row:
    """Return the numbers of a picture; the error is that of the picture in 8 bits."""
    if "class" in job:
        return asdict(judge.judge(picture, class_name=network.classes[job["class"]]))
    layer = network.layer(job["layer"])
    with Image.open(job["photo"]) as photo:
        images = [network.preprocessing.load(one, (SIDE, SIDE)) for one in (picture, photo)]
        codes = layer.encode(torch.stack(images))
        error = float((codes[0] - codes[1]).norm() / codes[1].norm())
        return {"error": error} | asdict(judge.judge(picture, photo))


def write(
    out: Path, kind: str, jobs: Sequence[Row], rows: Sequence[Row], failures: Sequence[str]
) -> None:
    """Write the table, a line for every picture, and the grid."""
    if not rows:
        raise SystemExit(f"no package made a picture of {kind}: {'; '.join(failures)}")
    path = out / f"side_by_side_{kind}"
    write_csv(path.with_suffix(".csv"), rows)
    notes = [f"Not run: {failure}" for failure in failures]
    text = "\n".join([machine(), "", *table(kind, rows, jobs), "", *notes]).rstrip() + "\n"
    path.with_suffix(".md").write_text(text)
    grid(out / kind, rows, jobs).save(path.with_suffix(".jpg"), quality=80, optimize=True)
    print(text)


def table(kind: str, rows: Sequence[Row], jobs: Sequence[Row]) -> list[str]:
    """Return the means of each package, the best first, and those of the photos, as Markdown."""
    columns = _COLUMNS[kind]
    lines = [f"| package | {' | '.join(columns)} | n |", "|---" * (len(columns) + 2) + "|"]
    groups = [(f"{mine[0]['package']} {mine[0]['version']}", mine) for mine in _by_package(rows)]
    photos = [{"photo": job["photo"]} for job in jobs if job.get("layer") == LAYERS[0]] or [
        {"photo": path} for path in shipped_photos().values()
    ]
    for row in photos:
        with Image.open(row["photo"]) as photo:
            row.update(asdict(Judge([]).judge(photo.convert("RGB"))))
    for name, alike in [*groups, ("photos", photos)]:
        cells = [_mean(alike, *column) for column in columns.values()]
        lines.append(f"| {name} | {' | '.join(cells)} | {len(alike)} |")
    return lines


def _by_package(rows: Sequence[Row]) -> list[list[Row]]:
    """Return the rows of each package, the one that the judges believe most first."""
    packages = dict.fromkeys(row["package"] for row in rows)
    groups = [[row for row in rows if row["package"] == package] for package in packages]
    return sorted(groups, key=lambda group: -fmean(_belief(row) for row in group))


def _belief(row: Row) -> float:
    """Return the judges' probability of a class, or how near they find a picture to its photo."""
    distance = row["feature_distance"]
    return float(row["judge_probability"] if distance is None else 1 - distance)


def _mean(rows: Sequence[Row], name: str, factor: float, digits: int) -> str:
    known = [row[name] for row in rows if row.get(name) is not None]
    return f"{factor * fmean(known):.{digits}f}" if known else ""


def grid(folder: Path, rows: Sequence[Row], jobs: Sequence[Row]) -> Image.Image:
    """Draw a row for each package, with what the judges say under each picture."""
    drawn = []
    if "photo" in jobs[0]:
        photos = [_cell(Path(job["photo"]), job["name"]) for job in jobs]
        drawn.append([_heading("photos", ""), *photos])
    for mine in _by_package(rows):
        found = {row["picture"]: row for row in mine}
        seconds = fmean(row["seconds"] for row in mine)
        cells = [_heading(mine[0]["package"], f"{seconds:.0f} s each")]
        for job in jobs:
            row = found.get(job["name"])
            if row is None:
                cells.append(_heading("", "not made"))
                continue
            path = folder / row["package"] / f"{file_name(job['name'])}.png"
            words = f"{row['picture']} " if "class" in job else "distance "
            said = _belief(row) if "class" in job else row["feature_distance"]
            cells.append(_cell(path, f"{words}{said:.2f}"))
        drawn.append(cells)
    return draw_grid(drawn, font_size=12)


def _cell(path: Path, label: str) -> Cell:
    with Image.open(path) as picture:
        return Cell(picture.convert("RGB").resize((_CELL, _CELL), Image.Resampling.LANCZOS), label)


def _heading(word: str, label: str) -> Cell:
    """Return a white picture with a word."""
    picture = Image.new("RGB", (_CELL, _CELL), "white")
    middle = (_CELL / 2, _CELL / 2)
    font = ImageFont.load_default(size=15)
    ImageDraw.Draw(picture).text(middle, word, fill="black", font=font, anchor="mm")
    return Cell(picture, label)
