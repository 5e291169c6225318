"""Names of rows: from a column of ids or paths, or from the files of a folder."""

from pathlib import Path

import numpy as np
import pytest

from preimage.audit.row_labels import choose_column, row_labels


def test_the_most_telling_column_is_chosen() -> None:
    assert choose_column(["vector", "ID", "Path"]) == "Path"
    assert choose_column(["vector", "uuid"]) == "uuid"
    assert choose_column(["vector", "label"]) is None


def test_rows_of_a_csv_file_are_named_by_a_column(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text('path,vector\na.jpg,"[1, 2]"\nb.jpg,"[3, 4]"\n,"[5, 6]"\n')
    assert row_labels(file, None, [0, 1, 2]) == {0: "a.jpg", 1: "b.jpg"}
    assert row_labels(file, None, [1]) == {1: "b.jpg"}
    file.write_text("1,2\n3,4\n")
    assert row_labels(file, None, [0]) == {}


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_rows_of_a_table_are_named_by_a_column(tmp_path: Path, suffix: str) -> None:
    pa = pytest.importorskip("pyarrow")
    ids = [*range(2999), None]
    table = pa.table({"id": pa.array(ids), "vector": pa.array([[1.0, 2.0]] * 3000)})
    file = tmp_path / f"a.{suffix}"
    if suffix == "parquet":
        pytest.importorskip("pyarrow.parquet").write_table(table, file, row_group_size=700)
    else:
        with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=700)
    assert row_labels(file, None, [0, 699, 700, 2100, 2999]) == {
        0: "0", 699: "699", 700: "700", 2100: "2100",
    }  # fmt: skip
    assert row_labels(file, None, []) == {}


def test_rows_of_a_folder_are_named_by_their_files(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones(3))
    np.save(tmp_path / "b.npy", np.ones((2, 3)))
    assert row_labels(tmp_path, None, [0, 1, 2]) == {0: "a.npy", 1: "b.npy", 2: "b.npy, row 1"}


def test_rows_of_an_array_have_no_names(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((2, 3)))
    assert row_labels(tmp_path / "a.npy", None, [0, 1]) == {}
