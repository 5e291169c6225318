"""Files of vectors: their columns, and one clear line for each that cannot be read."""

import re
from pathlib import Path

import numpy as np
import pytest

from preimage.audit.vector_files import open_table


def test_the_rows_of_a_folder_are_those_of_its_files_in_order(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(6).reshape(2, 3))
    np.save(tmp_path / "b.npy", np.arange(6, 9))
    np.save(tmp_path / "c.npy", np.arange(9, 15).reshape(2, 3))
    table = open_table(tmp_path, None)
    assert len(table) == 5
    assert [vector[0] for vector in table.take([0, 2, 3, 4])] == [0, 6, 9, 12]


def test_maps_are_taken_as_vectors(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(24).reshape(2, 3, 4))
    assert open_table(tmp_path / "a.npy", None).take([1])[0].tolist() == list(range(12, 24))


@pytest.mark.parametrize(
    ("text", "column", "expected"),
    [
        ("1.5,2\n3,4\n", None, [3.0, 4.0]),
        ("id,x,y\nrow,1.5,2\nrow,3,4\n", None, [3.0, 4.0]),
        ("file;vector\na;[1.5, 2]\nb;[3.0 4]\n", None, [3.0, 4.0]),
        ('file,one,two\na,"[9,9]","[1,2]"\nb,"[9,9]","[3,4]"\n', "two", [3, 4]),
        ("x\ty\n1\t2\n3\t\n", None, [3.0, np.nan]),
    ],
)
def test_csv_files_hold_values_or_lists(
    tmp_path: Path, text: str, column: str | None, expected: list[float]
) -> None:
    (tmp_path / "a.csv").write_text(text)
    table = open_table(tmp_path / "a.csv", column)
    assert len(table) == 2
    np.testing.assert_array_equal(table.take([1])[0], expected)


def test_whole_numbers_in_text_are_whole_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,-2\n+3,4\n")
    assert all(row.dtype.kind == "i" for row in open_table(tmp_path / "a.csv", None).take([0, 1]))


@pytest.mark.parametrize(
    ("name", "content", "column", "message"),
    [
        ("a.txt", b"1 2", None, "a.txt: unknown kind of file '.txt'"),
        ("a.npyy", b"1 2", None, "unknown kind of file '.npyy': did you mean '.npy'?"),
        ("a.npy", b"", None, "a.npy: the file is empty"),
        ("a.npy", b"no array", None, "a.npy: "),
        ("a.npz", b"no archive", None, "a.npz: damaged or of another kind (File is not a zip"),
        ("a.csv", b"\xff\xfe\x00", None, "a.csv: damaged or of another kind"),
        ("a.csv", b"a,b\nx,y\n", None, "a.csv: no column holds numbers"),
        (
            "a.csv",
            b"id,vector\n1,[2 3]\n",
            "vectr",
            "'vectr': did you mean 'vector'?",
        ),
        ("a.csv", b"a;b\n[1];[2]\n", None, "2 columns (a, b): name the one with --column"),
        ("a.csv", b"id,b\n7,[2]\n", "id", "column 'id' holds no lists of numbers, but '7'"),
        ("a.csv", b"a,b\n", None, "a.csv: holds names of columns, but no vectors"),
        ("a.npy", b"hello", None, "a.npy: not an array of numbers saved by numpy.save"),
        ("a.npy", b"\x93NUMPY\x01\x00", None, "a.npy: damaged, or not an array of numbers"),
        ("a.npy", b"hello", "b", ".npy files have no columns: leave out --column"),
    ],
)
def test_a_bad_file_gets_one_clear_line(
    tmp_path: Path, name: str, content: bytes, column: str | None, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        open_table(tmp_path / name, column)
    assert "\n" not in str(caught.value)


def test_arrays_without_numbers_and_several_arrays_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "text.npy", np.array(["a", "b"]))
    np.save(tmp_path / "one.npy", np.float32(1))
    np.savez(tmp_path / "two.npz", a=np.ones((2, 3)), b=np.ones((2, 3)))
    np.savez(tmp_path / "text.npz", a=np.array(["a", "b"]))
    for name, message in (
        ("text.npy", "vectors hold real numbers, not values of type <U1"),
        ("one.npy", "a single number is no vector"),
        ("two.npz", "2 arrays (a, b): name the one with --column"),
        ("text.npz", "vectors hold real numbers, not values of type <U1"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            open_table(tmp_path / name, None)
    assert len(open_table(tmp_path / "two.npz", "b")) == 2
    with pytest.raises(ValueError, match="unknown array 'c'"):
        open_table(tmp_path / "two.npz", "c")


def test_a_folder_without_vectors_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no \.npy files in this folder"):
        open_table(tmp_path, None)
    with pytest.raises(FileNotFoundError):
        open_table(tmp_path / "none.npy", None)
