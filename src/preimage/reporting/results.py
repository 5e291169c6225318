"""Results on disk: a picture beside a JSON sidecar from which it can be made again."""

from __future__ import annotations

import dataclasses
import errno
import json
import math
import tempfile
from pathlib import Path
from typing import Any

import torch

from preimage.files import write_whole
from preimage.versions import versions
from preimage.visualizations import PreImage

_PICTURES = ".png, .jpg, .webp, .tif, .bmp, .gif or .pdf"


def names_file(path: Path) -> bool:
    """Whether a path ends as the names of files do, a dot and a letter, and is no folder.

    >>> names_file(Path("result.pgn")), names_file(Path("run.1")), names_file(Path("v0.2"))
    (True, False, False)
    """
    return path.suffix[1:2].isalpha() and not path.is_dir()


def check_writable(folder: Path) -> None:
    """Tries to write where a folder is or will be made, before any work is done for it.

    Raises:
        OSError: if it cannot be made or written.
    """
    there = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "is a file, not a folder")
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(there)) from None


def check_folder(folder: Path) -> None:
    """Makes sure that results can go into a folder, before any work is done for them.

    Raises:
        ValueError: if its name is that of a file.
        OSError: if it cannot be made or written.
    """
    if names_file(folder):
        raise ValueError(f"{folder} is the name of a file: give a folder")
    check_writable(folder)


def check_picture(path: Path) -> None:
    """Makes sure that a picture can be written there, before any work is done for it.

    Raises:
        ValueError: if Pillow writes no such files.
        OSError: if its folder cannot be made or written.
    """
    from PIL import Image

    if Image.registered_extensions().get(path.suffix.lower()) not in Image.SAVE:
        raise ValueError(f"cannot write {path}: a picture ends in {_PICTURES}")
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
        "ran": dataclasses.asdict(result.ran),
        "versions": versions(str(result.images.device)),
    }


def write_result(image: Any, path: Path, sidecar: dict[str, Any] | list[dict[str, Any]]) -> None:
    """Writes a PIL image and, beside it, the JSON sidecar; each complete or not at all.

    Their folder is made if there is none.
    """
    with write_whole(path) as partial:
        image.save(partial)
    with write_whole(path.with_suffix(".json")) as partial:
        partial.write_text(json.dumps(sidecar, indent=2) + "\n")
