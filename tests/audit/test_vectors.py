"""Samples of vectors: the same rows from every kind of file, and bad rows left out and counted."""

import tracemalloc
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from preimage.audit.vectors import draw, read_all, read_vectors

VALUES = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)


def _csv(path: Path) -> None:
    lines = [",".join(map(str, row)) for row in VALUES.tolist()]
    path.write_text("\n".join(["a,b,c,d,e", *lines, ""]))


KINDS: dict[str, Callable[[Path], None]] = {
    "a.npy": lambda path: np.save(path, VALUES),
    "a.npz": lambda path: np.savez(path, embeddings=VALUES),
    "b.npz": lambda path: np.savez_compressed(path, embeddings=np.asfortranarray(VALUES)),
    "a.csv": _csv,
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    KINDS[name](tmp_path / name)
    found = read_vectors(tmp_path / name, sample=7, seed=3)
    assert len(found.rows) == 7
    np.testing.assert_allclose(found.values, VALUES[list(found.rows)], rtol=1e-6)
    np.save(tmp_path / "plain.npy", VALUES)
    assert found.rows == read_vectors(tmp_path / "plain.npy", sample=7, seed=3).rows
    assert found.rows != read_vectors(tmp_path / "plain.npy", sample=7, seed=4).rows


def test_a_draw_is_a_shuffle_that_keeps_only_what_it_needs() -> None:
    assert sorted(draw(1000, 0)) == list(range(1000))
    numbers = draw(10**12, 1)
    assert len({next(numbers) for _ in range(100)}) == 100
    firsts = [next(draw(4, seed)) for seed in range(400)]
    assert all(60 < firsts.count(n) < 140 for n in range(4))


def test_rows_that_are_no_vectors_are_skipped_counted_and_replaced(tmp_path: Path) -> None:
    values = VALUES.copy()
    values[3, 2], values[4], values[5, 0] = np.nan, 0, np.inf
    np.save(tmp_path / "a.npy", values)
    found = read_vectors(tmp_path / "a.npy", sample=64)
    assert found.total == 40
    assert set(range(40)) - set(found.rows) == {3, 4, 5}
    assert found.skipped == {"with NaN or infinite values": 2, "zero or constant": 1}
    assert str(found) == (
        "37 of 40 rows, 5 values each; skipped, of 40 rows that were looked at: "
        "2 with NaN or infinite values, 1 zero or constant"
    )
    few = read_vectors(tmp_path / "a.npy", sample=30)
    assert len(few.rows) == 30


def test_rows_of_another_length_than_most_are_skipped(tmp_path: Path) -> None:
    for n in range(6):
        np.save(tmp_path / f"{n}.npy", VALUES[n] if n != 4 else VALUES[n, :3])
    found = read_vectors(tmp_path)
    assert found.rows == (0, 1, 2, 3, 5)
    assert found.skipped == {"of another length than 5": 1}


def test_the_number_type_of_the_store_is_kept(tmp_path: Path) -> None:
    for kind in ("float16", "float64", "int8", "uint8"):
        np.save(tmp_path / "a.npy", (VALUES * 20 + 60).astype(kind))
        assert read_vectors(tmp_path / "a.npy").values.dtype == kind


def test_a_store_without_a_usable_row_gets_one_clear_line(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.full((30, 4), np.nan))
    with pytest.raises(ValueError, match="no row can be used; of those drawn: 30 with NaN"):
        read_vectors(tmp_path / "a.npy")
    np.save(tmp_path / "b.npy", np.empty((0, 4)))
    with pytest.raises(ValueError, match=r"b\.npy: holds no vectors"):
        read_vectors(tmp_path / "b.npy")


def test_a_large_file_is_not_read_into_memory(tmp_path: Path) -> None:
    shape, rows = (10_000_000, 16), sorted(islice(draw(10_000_000, seed=5), 4))
    with (tmp_path / "large.npy").open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        start = file.tell()
        file.truncate(start + 4 * shape[0] * shape[1])  # zeros that take no space
        for row in rows:
            file.seek(start + 4 * row * shape[1])
            file.write(np.arange(row, row + 16, dtype=np.float32).tobytes())
    tracemalloc.start()
    found = read_vectors(tmp_path / "large.npy", sample=4, seed=5)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2**20
    assert found.rows == tuple(rows)
    assert found.values[:, 0].tolist() == rows


@pytest.mark.parametrize("name", [*KINDS, "folder"])
def test_all_rows_are_read_in_batches(tmp_path: Path, name: str) -> None:
    if name == "folder":
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "a.npy", VALUES[:15])
        np.save(tmp_path / name / "b.npy", VALUES[15:])
    else:
        KINDS[name](tmp_path / name)
    batches = list(read_all(tmp_path / name, length=5, batch=16))
    assert [len(batch.rows) for batch in batches] == [16, 16, 8]
    assert [row for batch in batches for row in batch.rows] == list(range(40))
    np.testing.assert_allclose(np.concatenate([b.values for b in batches]), VALUES, rtol=1e-6)


def test_rows_that_are_no_vectors_are_left_out_of_batches(tmp_path: Path) -> None:
    values = VALUES.copy()
    values[3, 2], values[16:32] = np.nan, 0
    np.save(tmp_path / "a.npy", values)
    first, last = read_all(tmp_path / "a.npy", length=5, batch=16)
    assert (len(first.rows), last.rows) == (15, tuple(range(32, 40)))
    assert first.skipped == {"with NaN or infinite values": 1}
    assert not list(read_all(tmp_path / "a.npy", length=6))
