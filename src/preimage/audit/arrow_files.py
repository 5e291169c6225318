"""Columns of vectors in Parquet and Arrow files, read in batches (extra `audit`: pyarrow)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from preimage.models.optional import import_optional
from preimage.names import one_line, unknown

_BATCH = 1024
"""Rows that are read at a time from a Parquet file."""


class _File(Protocol):
    """A file of record batches."""

    schema: Any
    count: int

    def batches(self, column: str, rows: Sequence[int] | None) -> Iterator[tuple[int, Any]]:
        """Yield batches that hold these rows, or all, at least, with the first row of each."""


class ArrowTable:
    """A column of lists of numbers, whose lists may have a fixed size."""

    def __init__(self, file: _File, column: str) -> None:
        self._file, self._column = file, column

    def __len__(self) -> int:
        return self._file.count

    def take(self, rows: Sequence[int]) -> list[np.ndarray]:
        """See `preimage.audit.vector_files.Table.take`."""
        found, remaining = [], list(rows)
        for start, batch in self._file.batches(self._column, rows):
            values = batch.column(self._column)
            while remaining and start <= remaining[0] < start + len(values):
                found.append(_vector(values[remaining.pop(0) - start]))
            if not remaining:
                break
        return found

    def __iter__(self) -> Iterator[np.ndarray]:
        for _, batch in self._file.batches(self._column, None):
            yield from map(_vector, batch.column(self._column))


def open_arrow(path: Path, column: str | None) -> ArrowTable:
    """Return the column of vectors of a Parquet, Arrow or Feather file.

    Raises:
        ModelError: if pyarrow is not installed.
        ValueError: if the file is damaged, or has no such column.
    """
    file = _open(path)
    return ArrowTable(file, _choose_column(file.schema, column))


def _open(path: Path) -> _File:
    arrow = import_optional("pyarrow", "audit")
    try:
        return _Parquet(path) if path.suffix.lower() == ".parquet" else _Arrow(path)
    except (arrow.ArrowException, OSError) as error:
        kind = path.suffix.lower().removeprefix(".")
        raise ValueError(f"{path}: damaged, or no {kind} file ({one_line(str(error))})") from None


def read_cells(
    path: Path, choose: Callable[[Sequence[str]], str | None], rows: Sequence[int]
) -> list[str]:
    """Return the cells of these rows, which ascend, in the column that `choose` names, as text.

    Empty if it names none. Raises as `open_arrow` does.
    """
    file = _open(path)
    name = choose(file.schema.names)
    if name is None:
        return []
    found = list[str]()
    for start, batch in file.batches(name, rows):
        values = batch.column(name)
        while len(found) < len(rows) and rows[len(found)] < start + len(values):
            value = values[rows[len(found)] - start].as_py()
            found.append("" if value is None else str(value))
    return found


class _Parquet:
    """A Parquet file, of which only the row groups that hold wanted rows are read."""

    def __init__(self, path: Path) -> None:
        self._file = import_optional("pyarrow.parquet", "audit").ParquetFile(path)
        self.schema, self.count = self._file.schema_arrow, self._file.metadata.num_rows

    def batches(self, column: str, rows: Sequence[int] | None) -> Iterator[tuple[int, Any]]:
        """See `_File.batches`."""
        start = 0
        for group in range(self._file.num_row_groups):
            end = start + self._file.metadata.row_group(group).num_rows
            if rows is None or any(start <= row < end for row in rows):
                first = start
                for batch in self._file.iter_batches(_BATCH, [group], [column]):
                    yield first, batch
                    first += len(batch)
            start = end


class _Arrow:
    """A file of Arrow's own format, mapped into memory: with random access, or a stream."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._open() as reader:
            self.schema = reader.schema
        self.count = sum(len(batch) for _, batch in self.batches("", ()))

    def _open(self) -> Any:
        arrow = import_optional("pyarrow", "audit")
        ipc = import_optional("pyarrow.ipc", "audit")
        try:
            return ipc.open_file(arrow.memory_map(str(self._path)))
        except arrow.ArrowInvalid:
            return ipc.open_stream(arrow.memory_map(str(self._path)))

    def batches(self, column: str, rows: Sequence[int] | None) -> Iterator[tuple[int, Any]]:
        """See `_File.batches`."""
        start = 0
        with self._open() as reader:
            has_access = hasattr(reader, "num_record_batches")
            batches = (
                map(reader.get_batch, range(reader.num_record_batches)) if has_access else reader
            )
            for batch in batches:
                yield start, batch
                start += len(batch)


def _choose_column(schema: Any, wanted: str | None) -> str:
    """Return the name of the wanted column, or of the only one that holds lists of numbers."""
    types = import_optional("pyarrow.types", "audit")

    def holds_vectors(kind: Any) -> bool:
        is_list = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
        return is_list and (types.is_floating(kind.value_type) or types.is_integer(kind.value_type))

    fitting = [field.name for field in schema if holds_vectors(field.type)]
    if wanted is not None:
        if wanted not in schema.names:
            raise ValueError(unknown("column", wanted, schema.names))
        if wanted not in fitting:
            kind = schema.field(wanted).type
            raise ValueError(f"column {wanted!r} holds no lists of numbers, but {kind}")
        return wanted
    if len(fitting) != 1:
        listed = ", ".join(fitting or schema.names)
        kinds = "several columns hold" if fitting else "no column holds"
        raise ValueError(f"{kinds} lists of numbers ({listed}): name the one with --column")
    return fitting[0]


def _vector(scalar: Any) -> np.ndarray:
    """Return the list in a cell; an empty one if the cell is null."""
    if not scalar.is_valid:
        return np.empty(0)
    values: np.ndarray = scalar.values.to_numpy(zero_copy_only=False)
    return values
