"""`benchmarks hashes`: what is compared, and what the exit status says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from benchmarks.hashes import driver, from_command_line, from_python
from benchmarks.hashes.parts import array_hash, data_hash, set_hash


def test_no_name_stands_for_two_results() -> None:
    assert not set(from_python.RESULTS) & set(from_command_line.RESULTS)
    assert len(driver.RESULTS) >= 30


def test_a_hash_tells_values_types_and_shapes_apart_but_not_orders_in_memory() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    others = [array + 1e-7, array.astype(np.float64), array.reshape(3, 2)]
    assert array_hash(array) == array_hash(np.asfortranarray(array))
    assert array_hash(array) not in map(array_hash, others)


def test_files_count_in_any_order_but_each_counts() -> None:
    one, other = data_hash([0.1]), data_hash([0.2])
    assert set_hash([one, other]) == set_hash([other, one]) != set_hash([one, one, other])
    with pytest.raises(ValueError, match="nothing"):
        set_hash([])


def test_what_differs_or_fails_ends_with_1_and_what_is_missing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = {"a": {"images": "1", "error": "2"}, "b": {"images": "3"}}
    monkeypatch.setattr(driver, "RESULTS", {name: made[name].copy for name in made})
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    assert driver.run(before) == 0
    assert driver.run(after, before) == 0
    assert "2 equal" in capsys.readouterr().out
    made["a"]["error"] = "changed"
    assert driver.run(after, before) == 1
    assert "1 differ:\n    a: error\n" in capsys.readouterr().out
    assert driver.run(after, before, only="b") == 0
    del made["a"]["error"]
    assert driver.run(after, before) == 0
    assert "1 missing:\n    a: error\n" in capsys.readouterr().out
    monkeypatch.setitem(driver.RESULTS, "b", lambda: {"images": str(1 / 0)})
    assert driver.run(after, before) == 1
    assert set(json.loads(after.read_text())["results"]) == {"a"}
