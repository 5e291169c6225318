"""Files of results: a picture with its JSON sidecar, or everything as NumPy arrays (.npz)."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from preimage.files import check_archive, check_is_file, write_together, write_whole
from preimage.masks import Mask
from preimage.objective import Energy
from preimage.preprocessing import Preprocessing
from preimage.representations.execution import Ran
from preimage.representations.receptive_field import Box
from preimage.settings import Settings

if TYPE_CHECKING:
    from PIL import Image

_TERMS = ("alpha_norm", "total_variation", "loss", "loss_weight")


def write_picture(path: Path, picture: Image.Image, sidecar: Any) -> None:
    """Write a picture and, beside it, a JSON file with all that is known about it.

    Raises:
        OSError: if a file cannot be written.
        ValueError: if no picture format has the suffix of `path`.
    """
    with write_together(path, path.with_suffix(".json")) as (partial, facts):
        save_picture(picture, partial)
        facts.write_text(json.dumps(sidecar, indent=2) + "\n", encoding="utf-8")


def save_picture(picture: Image.Image, path: Path, **options: Any) -> None:
    """Write a picture in the format that the suffix of `path` names.

    The file is made in memory, because Pillow does not notice if a full disk takes only a part of
    what it writes.

    Raises:
        OSError: if the file cannot be written.
        ValueError: if no picture format has the suffix of `path`.
    """
    file = _NamedBuffer(str(path))
    picture.save(file, **options)
    path.write_bytes(file.getvalue())  # which copies nothing


class _NamedBuffer(io.BytesIO):
    """A file in memory with a name, whose suffix tells Pillow the format."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


def write_npz(path: Path, fields: Mapping[str, Any]) -> None:
    """Write the fields of a result: tensors as arrays, everything else as JSON in `facts`."""
    arrays: dict[str, Any] = {k: v.cpu().numpy() for k, v in fields.items() if torch.is_tensor(v)}
    facts = {k: v for k, v in fields.items() if not torch.is_tensor(v)}
    trace: Energy = facts.pop("trace")
    arrays |= {f"trace.{term}": getattr(trace, term).cpu().numpy() for term in _TERMS}
    snapshots: tuple[tuple[int, Tensor], ...] = facts.pop("snapshots")
    arrays |= {f"snapshots.{step}": images.cpu().numpy() for step, images in snapshots}
    for name in ("settings", "preprocessing", "ran", "mask"):
        if facts.get(name) is not None:
            facts[name] = dataclasses.asdict(facts[name])
    with write_whole(path) as partial:
        np.savez(partial, facts=np.array(json.dumps(facts)), **arrays)


def read_npz(path: Path) -> dict[str, Any]:
    """Return the fields that `write_npz` wrote, on the CPU; ValueError for any other file."""
    if path.suffix != ".npz":
        raise ValueError(
            f"{path} is no .npz file: a picture holds 8 bits only, so load a file that "
            'result.save("NAME.npz") wrote'
        )
    check_is_file(path)
    try:
        check_archive(path)
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: torch.from_numpy(file[name]) for name in file if name != "facts"}
            facts: dict[str, Any] = json.loads(str(file["facts"]))
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError, MemoryError):
        raise ValueError(f"{path} was not written by result.save, or is damaged") from None
    tensors = {name: array for name, array in arrays.items() if "." not in name}
    steps = [name for name in arrays if name.startswith("snapshots.")]
    return {
        **_with_tuples(facts),
        **tensors,
        "mask": Mask(**facts["mask"]) if facts.get("mask") else tensors.get("mask"),
        "box": None if facts["box"] is None else Box(*facts["box"]),
        "settings": Settings.from_dict(facts["settings"]),
        "preprocessing": Preprocessing(**_with_tuples(facts["preprocessing"])),
        "ran": Ran(**facts["ran"]),
        "trace": Energy(**{term: arrays[f"trace.{term}"] for term in _TERMS}),
        "snapshots": tuple((int(s.partition(".")[2]), arrays[s]) for s in steps),
    }


def _with_tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with tuples in place of the lists that JSON made of them."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
