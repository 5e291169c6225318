"""The limit of what a file may take when it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from preimage.files import inflated_limit
from preimage.models.read_limit import ReadLimit


def test_bytes_and_arrays_are_counted_until_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(10))
    limit = ReadLimit.of(path)
    assert (limit.bytes, limit.arrays) == (inflated_limit(10), 100_000)
    limit.spend(size=limit.bytes)
    limit.spend(arrays=limit.arrays)
    with pytest.raises(ValueError, match="far more than its size suggests"):
        limit.spend(arrays=1)
    with pytest.raises(ValueError, match="far more than its size suggests"):
        ReadLimit(100).spend(size=101)
