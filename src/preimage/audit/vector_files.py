"""Files of vectors as tables of rows, of which some can be taken without reading the others."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.lib import format as npy_format

from preimage.files import check_is_file, is_partial
from preimage.models.errors import ModelError
from preimage.names import one_line, unknown

_MARKS = re.compile(r"[\[\](){},;\"']")
"""Characters around and in a list that is written into a cell of a CSV file."""


class Table(Protocol):
    """Rows of vectors."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def take(self, rows: Sequence[int]) -> list[np.ndarray]:
        """Return the vectors of these rows, which ascend; one that is missing is empty."""

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield the vectors of all rows, which are read once and not kept."""


def open_table(path: Path, column: str | None) -> Table:
    """Return the rows of a file or folder, by its suffix; see `preimage.audit.vectors`."""
    if column is not None and (path.is_dir() or path.suffix.lower() == ".npy"):
        raise ValueError(f"{path}: .npy files have no columns: leave out --column")
    if path.is_dir():
        return FolderTable(path)
    check_is_file(path)
    suffix = path.suffix.lower()
    if suffix not in _KINDS:
        raise ValueError(f"{path}: {unknown('kind of file', suffix or path.name, _KINDS)}")
    if not path.stat().st_size:
        raise ValueError(f"{path}: the file is empty")
    try:
        return _KINDS[suffix](path, column)
    except ModelError:  # a library that is not installed
        raise
    except (EOFError, zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: damaged or of another kind ({one_line(str(error))})") from None
    except ValueError as error:
        words = one_line(str(error))
        raise ValueError(words if str(path) in words else f"{path}: {words}") from None


class ArrayTable:
    """The rows of an `.npy` file, mapped into memory; a single axis is a single vector."""

    def __init__(self, path: Path, column: str | None = None) -> None:
        self._array = _in_rows(_map_npy(path))

    def __len__(self) -> int:
        return len(self._array)

    def take(self, rows: Sequence[int]) -> list[np.ndarray]:
        """See `Table.take`."""
        return [np.array(self._array[row]).ravel() for row in rows]

    def __iter__(self) -> Iterator[np.ndarray]:
        return (np.array(row).ravel() for row in self._array)


class MemberTable:
    """The rows of an array in an `.npz` file, of which only the needed ones are kept."""

    def __init__(self, path: Path, column: str | None) -> None:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
            self._name = _choose("array", names, column)
        self._path = path
        with zipfile.ZipFile(path) as archive, archive.open(f"{self._name}.npy") as file:
            self._shape, self._is_fortran, self._dtype = _read_header(file)
            self._start = file.tell()
        if self._dtype.hasobject or not self._shape:
            raise ValueError(f"{self._name} is not an array of numbers, with a row for each vector")
        if len(self._shape) == 1:
            self._shape = (1, *self._shape)
        _check_dtype(self._dtype)

    def __len__(self) -> int:
        return self._shape[0]

    def take(self, rows: Sequence[int]) -> list[np.ndarray]:
        """See `Table.take`."""
        if self._is_fortran:
            with np.load(self._path, allow_pickle=False) as file:
                array = _in_rows(file[self._name])
            return [np.array(array[row]).ravel() for row in rows]
        size = int(np.prod(self._shape[1:])) * self._dtype.itemsize
        found = []
        with zipfile.ZipFile(self._path) as archive, archive.open(f"{self._name}.npy") as file:
            for row in rows:
                file.seek(self._start + row * size)
                found.append(np.frombuffer(file.read(size), self._dtype))
        return found

    def __iter__(self) -> Iterator[np.ndarray]:
        if self._is_fortran:
            yield from self.take(range(len(self)))
            return
        size = int(np.prod(self._shape[1:])) * self._dtype.itemsize
        with zipfile.ZipFile(self._path) as archive, archive.open(f"{self._name}.npy") as file:
            file.seek(self._start)
            for _ in range(len(self)):
                yield np.frombuffer(file.read(size), self._dtype)


class FolderTable:
    """The rows of all `.npy` files of a folder, in the order of their names."""

    def __init__(self, folder: Path) -> None:
        self._files = sorted(p for p in folder.glob("*.npy") if not is_partial(p))
        if not self._files:
            raise ValueError(f"{folder}: no .npy files in this folder")
        counts = [len(open_table(file, None)) for file in self._files]
        self._ends = np.cumsum(counts)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def take(self, rows: Sequence[int]) -> list[np.ndarray]:
        """See `Table.take`."""
        places = map(self._place, rows)
        return [ArrayTable(file).take([row])[0] for file, row in places]

    def names(self, rows: Sequence[int]) -> list[str]:
        """Return the name of the file of each row, and its number in it unless it is the first."""
        places = map(self._place, rows)
        return [f"{file.name}, row {row}" if row else file.name for file, row in places]

    def _place(self, row: int) -> tuple[Path, int]:
        """Return the file of a row, and its number in the file."""
        n = int(np.searchsorted(self._ends, row, side="right"))
        return self._files[n], row - (int(self._ends[n - 1]) if n else 0)

    def __iter__(self) -> Iterator[np.ndarray]:
        for file in self._files:
            yield from ArrayTable(file)


class TextTable:
    """The lines of a CSV file: a value in each cell, or a column whose cells hold whole lists.

    A first line with a cell that is no number is taken as the names of the columns. Columns whose
    first cell is no number, such as those of file names, are left out.
    """

    def __init__(self, path: Path, column: str | None) -> None:
        self._path = path
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            self._separator = max(",;\t", key=first.count)
            cells, second = self._cells(first), self._cells(next(_filled(file), ""))
            self._has_header = any(_number(cell) is None for cell in cells) and not any(
                _is_list(cell) for cell in cells
            )
        if self._has_header and not second:
            raise ValueError("holds names of columns, but no vectors")
        self._names = names = cells if self._has_header else [str(n) for n in range(len(cells))]
        example = second if self._has_header else cells
        self._columns = _choose_cells(names, example, column)
        self._is_list = len(self._columns) == 1 and _is_list(example[self._columns[0]])
        with path.open("rb") as lines:
            self._count = sum(1 for line in lines if line.strip()) - self._has_header

    def __len__(self) -> int:
        return self._count

    def take(self, rows: Sequence[int]) -> list[np.ndarray]:
        """See `Table.take`."""
        return [self._vector(cells) for cells in self._lines(rows)]

    def cells(
        self, choose: Callable[[Sequence[str]], str | None], rows: Sequence[int]
    ) -> list[str]:
        """Return the cells of these rows in the column that `choose` names; empty if it is None."""
        name = choose(self._names) if self._has_header else None
        if name is None:
            return []
        at = self._names.index(name)
        return [cells[at] if at < len(cells) else "" for cells in self._lines(rows)]

    def _lines(self, rows: Sequence[int]) -> list[list[str]]:
        """Return the cells of the lines of these rows."""
        wanted, found = set(rows), []
        with self._path.open(encoding="utf-8-sig", newline="") as file:
            for row, line in enumerate(_filled(file), -int(self._has_header)):
                if row in wanted:
                    found.append(self._cells(line))
                    if len(found) == len(wanted):
                        break
        return found

    def __iter__(self) -> Iterator[np.ndarray]:
        with self._path.open(encoding="utf-8-sig", newline="") as file:
            for row, line in enumerate(_filled(file), -int(self._has_header)):
                if row >= 0:
                    yield self._vector(self._cells(line))

    def _cells(self, line: str) -> list[str]:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=self._separator), [])]

    def _vector(self, cells: list[str]) -> np.ndarray:
        if self._is_list:
            at = self._columns[0]
            text = cells[at] if at < len(cells) else ""
            words = _MARKS.sub(" ", text).split()
        else:
            words = [cells[n] for n in self._columns if n < len(cells)]
        numbers = [_number(word) for word in words]
        values = np.array([np.nan if v is None else v for v in numbers], np.float64)
        is_whole = all(word.lstrip("+-").isdecimal() for word in words)
        return values.astype(np.int64) if is_whole and words else values


def _choose_cells(names: list[str], example: list[str], column: str | None) -> list[int]:
    """Return the numbers of the columns that a vector is made of."""
    if column is not None:
        at = names.index(_choose("column", names, column))
        cell = example[at] if at < len(example) else ""
        if not _is_list(cell):
            raise ValueError(f"column {column!r} holds no lists of numbers, but {cell[:40]!r}")
        return [at]
    lists = [n for n, cell in enumerate(example) if _is_list(cell)]
    if len(lists) > 1:
        _choose("column", [names[n] for n in lists], None)
    found = lists or [n for n, cell in enumerate(example) if _number(cell) is not None]
    if not found:
        raise ValueError("no column holds numbers or lists of numbers")
    return found


def _choose(kind: str, names: Sequence[str], wanted: str | None) -> str:
    """Return the wanted name if it is there, or else the only one."""
    if wanted is None:
        if len(names) != 1:
            listed = ", ".join(names) or "none"
            raise ValueError(f"{len(names)} {kind}s ({listed}): name the one with --column")
        return names[0]
    if wanted not in names:
        raise ValueError(unknown(kind, wanted, names))
    return wanted


def _filled(file: Any) -> Iterator[str]:
    return (line for line in file if line.strip())


def _is_list(cell: str) -> bool:
    return cell[:1] in ("[", "(", "{") and len(cell) > 1


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _map_npy(path: Path) -> np.ndarray:
    """Return the array of an `.npy` file, mapped into memory."""
    with path.open("rb") as file:
        if file.read(len(npy_format.MAGIC_PREFIX)) != npy_format.MAGIC_PREFIX:
            raise ValueError("not an array of numbers saved by numpy.save")
    try:
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        reason = one_line(str(error))
        raise ValueError(f"damaged, or not an array of numbers ({reason})") from None
    return array


def _read_header(file: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, order and dtype of an array in an open `.npy` file."""
    version = npy_format.read_magic(file)
    if version == (1, 0):
        return npy_format.read_array_header_1_0(file)
    return npy_format.read_array_header_2_0(file)


def _in_rows(array: np.ndarray) -> np.ndarray:
    """Return an array with a row for each vector; raise ValueError if it has no numbers."""
    _check_dtype(array.dtype)
    if not array.ndim:
        raise ValueError("a single number is no vector")
    return array[None] if array.ndim == 1 else array


def _check_dtype(dtype: np.dtype[Any]) -> None:
    if dtype.kind not in "fiu":
        raise ValueError(f"vectors hold real numbers, not values of type {dtype}")


def _arrow(path: Path, column: str | None) -> Table:
    from preimage.audit.arrow_files import open_arrow

    return open_arrow(path, column)


_KINDS: dict[str, Callable[[Path, str | None], Table]] = {
    ".npy": ArrayTable, ".npz": MemberTable, ".parquet": _arrow, ".arrow": _arrow,
    ".feather": _arrow, ".csv": TextTable, ".tsv": TextTable,
}  # fmt: skip
"""The kinds of files by suffix."""
