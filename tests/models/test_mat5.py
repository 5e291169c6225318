"""MATLAB files of versions 5 to 7, against SciPy and files that MATLAB wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.io.matlab

from preimage.models import mat5

WRITTEN_BY_MATLAB = sorted(
    path
    for path in (Path(scipy.io.matlab.__file__).parent / "tests" / "data").glob("test*.mat")
    if path.read_bytes()[124:128] in (b"\0\1IM", b"\1\0MI")
)

"""SciPy's own test files: MATLAB 5.3 to 8, little- and big-endian, compressed or not."""


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
