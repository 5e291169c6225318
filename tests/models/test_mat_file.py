"""MATLAB files as plain values, against SciPy and against files that MATLAB wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.io.matlab
from tests.models.simplenn_files import save_v5, save_v73

from preimage.models import mat5, mat_file

WRITTEN_BY_MATLAB = sorted(
    path
    for path in (Path(scipy.io.matlab.__file__).parent / "tests" / "data").glob("test*.mat")
    if path.read_bytes()[124:128] in (b"\0\1IM", b"\1\0MI")
)
"""SciPy's own test files: MATLAB 5.3 to 8, little- and big-endian, compressed or not."""

TREE: dict[str, Any] = {
    "number": np.array([[2.5]]),
    "matrix": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "bytes": np.array([[1, 2]], np.uint8),
    "text": "conv1",
    "empty": np.zeros((0, 0)),
    "nothing": "",
    "struct": {"a": "x", "b": {"c": [np.array([[1.0]]), "y", []]}},
}


@pytest.mark.parametrize("save", [save_v5, save_v73], ids=["v5", "v73"])
def test_what_was_written_is_read_back(save: Any, tmp_path: Path) -> None:
    found = mat_file.load(save(tmp_path / "x.mat", TREE), [*TREE, "absent"])
    assert list(found) == list(TREE)
    np.testing.assert_equal(found, TREE)


def test_only_the_named_variables_are_returned(tmp_path: Path) -> None:
    assert mat_file.load(save_v5(tmp_path / "x.mat", TREE), ["text"]) == {"text": "conv1"}


@pytest.mark.skipif(not WRITTEN_BY_MATLAB, reason="this SciPy comes without its test files")
def test_files_that_matlab_wrote_are_read_as_scipy_reads_them() -> None:
    compared = 0
    for path in WRITTEN_BY_MATLAB:
        if path.name.startswith("teststringarray"):
            continue
        found = mat5.load(path)
        theirs = scipy.io.loadmat(path, struct_as_record=False, chars_as_strings=True)
        for name, value in theirs.items():
            if not name.startswith("__"):
                np.testing.assert_equal(found[name], plain(value), err_msg=f"{path.name} {name}")
                compared += 1
    assert compared >= 60


def plain(value: Any) -> Any:
    """SciPy's values as those of `mat5`."""
    if isinstance(value, scipy.io.matlab.mat_struct):
        return {name: plain(getattr(value, name)) for name in value._fieldnames}
    odd = scipy.io.matlab.MatlabFunction | scipy.io.matlab.MatlabObject
    if isinstance(value, odd) or not isinstance(value, np.ndarray):
        return None
    if value.dtype == object:
        items = [plain(item) for item in value.ravel(order="F")]
        is_struct = value.size == 1 and isinstance(value.flat[0], scipy.io.matlab.mat_struct)
        return items[0] if is_struct else items
    if value.dtype.kind == "U":
        return "".join(value.ravel(order="F"))
    return value if value.dtype.kind in "biuf" else None


def test_a_struct_array_of_a_7_3_file_is_a_list(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.mat", "w") as file:
        struct = file.create_group("s")
        struct.attrs["MATLAB_class"] = np.bytes_("struct")
        references = np.empty((2, 1), h5py.ref_dtype)
        for index in range(2):
            target = file.create_dataset(f"#refs#/{index}", data=np.array([[index + 0.5]]))
            target.attrs["MATLAB_class"] = np.bytes_("double")
            references[index, 0] = target.ref
        struct.create_dataset("size", data=references, dtype=h5py.ref_dtype)
    found = mat_file.load(tmp_path / "x.mat", ["s"])
    np.testing.assert_equal(found, {"s": [{"size": np.array([[0.5]])}, {"size": [[1.5]]}]})
