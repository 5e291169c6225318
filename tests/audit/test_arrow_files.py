"""Columns of vectors in Parquet and Arrow files."""

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from preimage.audit.vector_files import open_table
from preimage.audit.vectors import read_vectors
from preimage.extras import install_command
from preimage.models.errors import ModelError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

VALUES = np.random.default_rng(0).normal(size=(5000, 4)).astype(np.float32)


def _table() -> Any:
    fixed = pa.FixedSizeListArray.from_arrays(pa.array(VALUES.ravel()), 4)
    lists = pa.array([row.tolist() for row in VALUES[:, :3].astype(np.float16)])
    return pa.table({"id": pa.array(range(5000)), "fixed": fixed, "listed": lists})


def _write(path: Path) -> None:
    table = _table()
    if path.suffix == ".parquet":
        pq.write_table(table, path, row_group_size=1500)
        return
    new = pa.ipc.new_stream if "stream" in path.name else pa.ipc.new_file
    with pa.OSFile(str(path), "wb") as sink, new(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=700)


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "stream.arrow", "a.feather"])
def test_columns_are_read_by_row(tmp_path: Path, name: str) -> None:
    _write(tmp_path / name)
    rows = [0, 699, 700, 1499, 1500, 4999]
    table = open_table(tmp_path / name, "fixed")
    assert len(table) == 5000
    np.testing.assert_array_equal(np.stack(table.take(rows)), VALUES[rows])
    listed = np.stack(open_table(tmp_path / name, "listed").take(rows))
    np.testing.assert_allclose(listed, VALUES[rows, :3], rtol=1e-3)
    found = read_vectors(tmp_path / name, column="fixed", sample=9)
    assert found.values.dtype == np.float32
    np.testing.assert_array_equal(found.values, VALUES[list(found.rows)])


def test_the_only_column_of_lists_needs_no_name_and_nulls_are_skipped(tmp_path: Path) -> None:
    rows = [[1.0, 2.0], None, [3.0, None], [4.0, 5.0, 6.0], [7.0, 8.0]]
    pq.write_table(pa.table({"id": ["a"] * 5, "vector": rows}), tmp_path / "a.parquet")
    found = read_vectors(tmp_path / "a.parquet")
    assert found.rows == (0, 4)
    assert found.skipped == {
        "empty": 1, "with NaN or infinite values": 1, "of another length than 2": 1,
    }  # fmt: skip


def test_whole_numbers_of_8_bits_stay_what_they_are(tmp_path: Path) -> None:
    vectors = pa.array([[1, -2], [3, 4]], pa.list_(pa.int8()))
    pq.write_table(pa.table({"vector": vectors}), tmp_path / "a.parquet")
    assert read_vectors(tmp_path / "a.parquet").values.dtype == np.int8


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("fxed", "unknown column 'fxed': did you mean 'fixed'?"),
        ("id", "column 'id' holds no lists of numbers, but int64"),
        (None, "several columns hold lists of numbers (fixed, listed): name the one with --column"),
    ],
)
def test_a_wrong_column_gets_one_clear_line(
    tmp_path: Path, column: str | None, message: str
) -> None:
    _write(tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=re.escape(message)):
        open_table(tmp_path / "a.parquet", column)


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow"])
def test_a_damaged_file_gets_one_clear_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"neither of them")
    with pytest.raises(ValueError, match=f"{name}: damaged, or no"):
        open_table(tmp_path / name, None)


def test_without_pyarrow_the_error_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path / "a.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ModelError, match=re.escape(install_command("audit"))):
        open_table(tmp_path / "a.parquet", None)


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "stream.arrow"])
def test_all_rows_are_read_once(tmp_path: Path, name: str) -> None:
    _write(tmp_path / name)
    found = np.stack(list(open_table(tmp_path / name, "fixed")))
    np.testing.assert_array_equal(found, VALUES)
