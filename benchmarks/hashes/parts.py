"""The parts of a result, each with a checksum: images, errors, pictures in a folder.

What depends on names of fields, files and options of preimage beyond the calls themselves is
here, in one place.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from statistics import fmean, stdev
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image

import preimage
from preimage.__main__ import main

Parts = dict[str, str]
"""What a result consists of, by name: the SHA-256 of each part, the most telling one first."""

SIDECAR = ("error", "psnr", "ssim", "response")
"""The numbers in the JSON file beside a picture; each visualization has some of them."""
MEASURES = ("error", "psnr", "ssim", "naturalness", "energy", "response")
"""The numbers of a trial in what `study export` writes."""
STATISTICS = ("maximum", "minimum", "mean", "std", "zeros")
"""The numbers of a channel in what `stats --json` prints."""


def photo(name: str) -> Path:
    """Find a photo that comes with the package."""
    return Path(preimage.__file__).parent / "photos" / f"{name}.jpg"


def array_hash(array: np.ndarray | torch.Tensor) -> str:
    """Hash type, shape and bytes of an array; images are in single precision."""
    values = np.ascontiguousarray(array.numpy() if isinstance(array, torch.Tensor) else array)
    digest = hashlib.sha256(f"{values.dtype.str} {values.shape}".encode())
    digest.update(values.tobytes())
    return digest.hexdigest()


def data_hash(data: Any) -> str:
    """Hash plain data: numbers by all their digits."""
    return hashlib.sha256(json.dumps(data).encode()).hexdigest()


def set_hash(hashes: Iterable[str]) -> str:
    """Hash what is hashed already, in whatever order it comes.

    Raises:
        ValueError: if there is nothing.
    """
    ordered = sorted(hashes)
    if not ordered:
        raise ValueError("nothing was written that could be hashed")
    return data_hash(ordered)


def of_result(result: preimage.PreImage) -> Parts:
    """Hash what a function of the library returned: float images, and numbers that are known."""
    parts = {"images": array_hash(result.images), "shown": array_hash(result.shown)}
    numbers = {
        "error": result.error,
        "psnr": result.psnr,
        "ssim": result.ssim,
        "response": result.response,
    }
    for name, values in numbers.items():
        if values is not None and bool(values.isfinite().all()):
            parts[name] = array_hash(values)
    if result.snapshots:
        parts["snapshots"] = data_hash([[n, array_hash(x)] for n, x in result.snapshots])
    return parts


def command(*arguments: str | Path) -> str:
    """Run `preimage` with these arguments in this process; return what it prints.

    Raises:
        RuntimeError: if it ends with another status than 0.
    """
    output, errors, status = io.StringIO(), io.StringIO(), 0
    with (
        patch.object(sys, "argv", ["preimage", *map(str, arguments)]),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
    ):
        try:
            main()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
    if status:
        raise RuntimeError(f"preimage {arguments[0]} ended with {status}: {errors.getvalue()}")
    return output.getvalue()


def picture_hash(path: Path) -> str:
    """Hash the pixels of an image file, whatever else the file holds."""
    with Image.open(path) as picture:
        return array_hash(np.asarray(picture))


def of_pictures(folder: str = "out") -> Parts:
    """Hash the pixels of all PNG files in a folder, and the numbers in the files beside them.

    Commands write no float images, so 8-bit pixels and all digits of the errors or responses
    have to do. Names of files do not count. Grids, which hold several results and their
    captions, are a part of their own.
    """
    hashes: dict[str, list[str]] = {"pictures": [], "numbers": [], "grids": []}
    for path in Path(folder).rglob("*.png"):
        sidecar = path.with_suffix(".json")
        about = json.loads(sidecar.read_text()) if sidecar.exists() else None
        hashes["grids" if isinstance(about, list) else "pictures"].append(picture_hash(path))
        if isinstance(about, dict):
            hashes["numbers"].append(data_hash([about.get(name) for name in SIDECAR]))
    return {name: set_hash(found) for name, found in hashes.items() if found}


def of_store(folder: str = "out") -> Parts:
    """Hash the float images in the store of a study, by content and not by name; their measures."""
    arrays = [array_hash(np.load(path)) for path in Path(folder).rglob("*.npy")]
    rows = [data_hash([row[name] for name in MEASURES]) for row in exported(folder)]
    return {"arrays": set_hash(arrays), "measures": set_hash(rows)}


def exported(folder: str) -> list[dict[str, str]]:
    """Read what `study export` writes of a store: a row for each trial."""
    command("study", "export", folder, "trials.csv")
    with Path("trials.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def of_figure(name: str, folder: str = "out") -> Parts:
    """Hash the panels of a figure, and the responses of its trials; a photo's numbers are None."""
    panels = list(Path(folder).glob(f"{name}.*.*.png"))
    responses = [float(row["response"]) for row in exported(folder)]
    numbers: list[list[float | None]] = [[None, None, None, response] for response in responses]
    numbers += [[None] * 4] * (len(panels) - len(responses))
    return {
        "pictures": set_hash(map(picture_hash, panels)),
        "numbers": set_hash(map(data_hash, numbers)),
    }


def of_table4(folder: str = "out") -> Parts:
    """Hash the pictures of Table 4, and the means by representation and method, all digits."""
    rows = [
        ["hog", "HOGgle", "60.1", "11.6", "", ""],
        ["hog", "paper", "36.6", "17.3", "", ""],
        ["hogb", "paper", "11.5", "4.8", "", ""],
        ["dsift", "paper", "9.4", "8.6", "", ""],
    ]
    methods = {"300": "algorithm-1", "20": "draft", "60": "fast", "200": "best"}
    groups: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in exported(folder):
        groups.setdefault((row["representation"], methods[row["steps"]]), []).append(row)
    for key, alike in groups.items():
        errors = [100 * float(row["error"]) for row in alike]
        others = [fmean(float(row[name]) for row in alike) for name in ("psnr", "ssim")]
        rows.append([*key, *map(str, [fmean(errors), stdev(errors), *others])])
    pictures = Path(folder, "results").rglob("*.png")
    return {
        "pictures": set_hash(map(picture_hash, pictures)),
        "errors": set_hash(map(data_hash, rows)),
    }


def of_statistics(printed: str) -> Parts:
    """Hash what `stats --json` printed: arrays over all channels, and the largest responses."""
    channels = [json.loads(line) for line in printed.splitlines()]
    parts = {
        name: array_hash(np.array([channel[name] for channel in channels])) for name in STATISTICS
    }
    return parts | {"top": data_hash([responses(channel) for channel in channels])}


def responses(channel: dict[str, Any]) -> list[Any]:
    """Say how large the largest responses of a channel are, in which photos, and where."""
    return [[r["value"], Path(r["image"]).name, r["position"]] for r in channel["top"]]
