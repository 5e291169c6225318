"""Results on disk: a picture beside a JSON sidecar from which it can be made again."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from preimage.visualizations import PreImage


def check_writable(folder: Path) -> None:
    """Makes a folder and tries to write there, before any work is done for it.

    Raises:
        OSError: if it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from None


def check_picture(path: Path) -> None:
    """Makes sure that a picture can be written there, before any work is done for it.

    Raises:
        ValueError: if Pillow writes no such files.
        OSError: if its folder cannot be made or written.
    """
    from PIL import Image

    if Image.registered_extensions().get(path.suffix.lower()) not in Image.SAVE:
        raise ValueError(f"cannot write {path}: a picture ends in .png, .jpg or the like")
    check_writable(path.parent)


def describe(
    result: PreImage, index: int, source: dict[str, Any], seconds: float
) -> dict[str, Any]:
    """All that is known about one result, for its sidecar and for `--json`.

    Args:
        result: what a visualization returned.
        index: which of its images.
        source: what was inverted: `input`, `sha256`, `representation` and the like.
        seconds: time spent on this image.
    """
    height, width = result.images.shape[-2:]

    def value(values: torch.Tensor | None) -> float | None:
        number = math.nan if values is None else float(values[index])
        return number if math.isfinite(number) else None

    return {
        **source,
        "seed": result.seeds[index],
        "loss_weight": result.loss_weights[index],
        "image_size": [height, width],
        "error": value(result.error),
        "psnr": value(result.psnr),
        "ssim": value(result.ssim),
        "energy": float(result.trace.total[-1, index]) if len(result.trace.total) else None,
        "steps": len(result.trace.total),
        "interrupted": result.interrupted,
        "seconds": round(seconds, 3),
        "settings": dataclasses.asdict(result.settings),
        "device": str(result.images.device),
        "threads": torch.get_num_threads(),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Versions of everything that a result depends on."""
    from importlib.metadata import version

    return {
        "preimage": version("preimage"),
        "torch": torch.__version__,
        "python": sys.version.split()[0],
        "machine": platform.machine(),
    }


def write_result(image: Any, path: Path, sidecar: dict[str, Any] | list[dict[str, Any]]) -> None:
    """Writes a PIL image and, beside it, the JSON sidecar; each complete or not at all."""
    partial = path.with_name(f".{path.name}.partial{path.suffix}")
    image.save(partial)
    os.replace(partial, path)
    partial.write_text(json.dumps(sidecar, indent=2) + "\n")
    os.replace(partial, path.with_suffix(".json"))
