"""Names of the rows of a store: ids or paths from another column, or the files of a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from preimage.audit.arrow_files import read_cells
from preimage.audit.vector_files import FolderTable, TextTable

COLUMNS = (
    "path", "file", "filename", "file_name", "image", "image_path", "photo", "uri", "url", "name",
    "id", "key", "uuid",
)  # fmt: skip
"""The columns that name rows, the most telling first; upper and lower case are the same."""

_LONGEST = 120


def choose_column(names: Sequence[str]) -> str | None:
    """Return the column that names rows; None if there is none.

    >>> choose_column(["ID", "vector", "Path"])
    'Path'
    """
    by_lower = {name.lower(): name for name in names}
    return next((by_lower[name] for name in COLUMNS if name in by_lower), None)


def row_labels(path: Path, column: str | None, rows: Sequence[int]) -> dict[int, str]:
    """Return the name of each of these rows, which ascend; empty if the store has no names.

    Raises:
        OSError, ValueError, ModelError: if the store cannot be read; see `read_vectors`.
    """
    suffix = path.suffix.lower()
    if path.is_dir():
        found = FolderTable(path).names(rows)
    elif suffix in (".csv", ".tsv"):
        found = TextTable(path, column).cells(choose_column, rows)
    elif suffix in (".parquet", ".arrow", ".feather"):
        found = read_cells(path, choose_column, rows)
    else:
        found = []
    named = zip(rows, found, strict=False)
    return {row: label[:_LONGEST] for row, label in named if label}
