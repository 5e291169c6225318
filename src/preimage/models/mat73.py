"""MATLAB files of version 7.3, as plain Python values.

Such a file is HDF5 after 512 bytes of MATLAB's own header: a struct is a group, a matrix a
dataset with its axes reversed, a cell a dataset of references, a string a dataset of UTF-16
codes. The attribute `MATLAB_class` names the class; files of other programs may lack it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from preimage.models.mat5 import Value
from preimage.models.read_limit import ReadLimit

_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def is_hdf5(path: Path) -> bool:
    """Return whether a file is HDF5, with or without MATLAB's header."""
    with path.open("rb") as file:
        start = file.read(520)
    return start.startswith(_SIGNATURE) or start[512:] == _SIGNATURE


def load(path: Path, names: Sequence[str]) -> dict[str, Value]:
    """Read the variables `names`, without any that the file lacks.

    Raises:
        ImportError: if h5py is not installed.
        Exception: of any type, if the file is damaged.
    """
    import h5py

    with h5py.File(path, "r") as file:
        limit = ReadLimit.of(path)
        return {name: _read(file[name], file, limit) for name in names if name in file}


def _read(node: Any, file: Any, limit: ReadLimit) -> Value:
    import h5py

    limit.spend(arrays=1)
    if isinstance(node, h5py.Group):
        return _read_struct(node, file, limit)
    numbers = max(int(node.size or 0), math.prod(node.chunks or ()))  # a chunk is read whole
    limit.spend(size=numbers * int(node.dtype.itemsize))
    kind = _matlab_class(node)
    is_text = kind == "char" or (not kind and node.dtype == np.uint16)
    if node.attrs.get("MATLAB_empty", 0):
        return "" if is_text else [] if kind == "cell" else np.zeros((0, 0))
    values = np.asarray(node[()])
    if _holds_references(node):
        return [_read(file[reference], file, limit) for reference in values.ravel()]
    if is_text:
        return values.astype("<u2").tobytes().decode("utf-16-le")
    return values.T if values.dtype.kind in "biuf" else None


def _read_struct(group: Any, file: Any, limit: ReadLimit) -> Value:
    """Read a struct, or a struct array, whose fields are datasets of references."""
    fields = {name: _read(group[name], file, limit) for name in group}
    of_references = (_holds_references(node) and not _matlab_class(node) for node in group.values())
    if not (fields and _matlab_class(group) == "struct" and all(of_references)):
        return fields
    rows = zip(*(values for values in fields.values() if isinstance(values, list)), strict=True)
    return [dict(zip(fields, row, strict=True)) for row in rows]


def _holds_references(node: Any) -> bool:
    import h5py

    return isinstance(node, h5py.Dataset) and h5py.check_ref_dtype(node.dtype) is not None


def _matlab_class(node: Any) -> str:
    kind = node.attrs.get("MATLAB_class", "")
    return kind.decode() if isinstance(kind, bytes) else str(kind)
