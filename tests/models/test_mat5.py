"""MATLAB files of versions 5 to 7, against SciPy and files that MATLAB wrote."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.io.matlab

from preimage.models import mat5
from preimage.models.read_limit import ReadLimit

WRITTEN_BY_MATLAB = sorted(
    path
    for path in (Path(scipy.io.matlab.__file__).parent / "tests" / "data").glob("test*.mat")
    if path.read_bytes()[124:128] in (b"\0\1IM", b"\1\0MI")
)

"""SciPy's own test files: MATLAB 5.3 to 8, little- and big-endian, compressed or not."""


@pytest.mark.filterwarnings("ignore:The default value for `spmatrix`:DeprecationWarning")
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


def compressed(*bodies: bytes, claimed: int | None = None) -> bytes:
    """A file with one compressed variable for each of the bodies."""
    data = b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM"
    for body in bodies:
        packed = zlib.compress(struct.pack("<II", 14, claimed or len(body)) + body, 9)
        data += struct.pack("<II", 15, len(packed)) + packed
    return data


def cells(count: int) -> bytes:
    """A cell array of `count` empty arrays."""
    head = struct.pack("<IIII", 6, 8, 1, 0) + struct.pack("<IIii", 5, 8, count, 1)
    return head + struct.pack("<II", 1, 0) + struct.pack("<II", 14, 0) * count


def test_a_small_file_that_would_fill_the_memory_is_refused_before_it_is_inflated(
    tmp_path: Path,
) -> None:
    path = tmp_path / "bomb.mat"
    path.write_bytes(compressed(cells(3), claimed=2**32 - 1))
    with pytest.raises(ValueError, match="far more than its size suggests"):
        mat5.load(path)


def test_arrays_are_counted_over_all_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bomb.mat"
    path.write_bytes(compressed(cells(400), cells(400), cells(400)))
    assert mat5.load(path).keys() == {""}
    monkeypatch.setattr(ReadLimit, "of", lambda path: ReadLimit(10**9, arrays=1000))
    with pytest.raises(ValueError, match="far more than its size suggests"):
        mat5.load(path)


@pytest.mark.parametrize("claimed", [16, 10**6])
def test_a_variable_that_is_longer_or_shorter_than_it_says_is_damaged(
    tmp_path: Path, claimed: int
) -> None:
    path = tmp_path / "x.mat"
    path.write_bytes(compressed(cells(50), claimed=claimed))
    with pytest.raises(ValueError, match="longer than"):
        mat5.load(path)


def test_a_compressed_variable_with_a_wrong_checksum_is_damaged(tmp_path: Path) -> None:
    data = bytearray(compressed(cells(3)))
    data[-1] ^= 1
    (tmp_path / "x.mat").write_bytes(data)
    with pytest.raises(zlib.error):
        mat5.load(tmp_path / "x.mat")
