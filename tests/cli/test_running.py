"""How trials are carried out, as the options say."""

from __future__ import annotations

import functools

import pytest

from preimage.cli import running
from preimage.cli.running import How
from preimage.sweeps.engines import in_process, process_pool
from preimage.sweeps.ray_engine import ray_actors


@pytest.mark.parametrize(("how", "trials", "expected"), [
    (How(), 100, 8), (How(threads=3), 100, 2), (How(threads=16), 100, 1), (How(), 5, 5),
    (How(), 0, 1), (How(workers=12), 100, 12), (How(device="cuda"), 100, 1),
    (How(workers=2, device="cuda"), 100, 2),
])  # fmt: skip
def test_workers_share_the_cores_unless_told_otherwise(
    how: How, trials: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "_cores", lambda: 8)
    assert how.processes(trials) == expected


@pytest.mark.parametrize(("how", "function", "address"), [
    (How(workers=1), in_process, None), (How(workers=2), process_pool, None),
    (How(ray="local"), ray_actors, "local"), (How(ray="auto"), ray_actors, "auto"),
])  # fmt: skip
def test_the_engine_is_the_one_the_options_ask_for(
    how: How, function: object, address: str | None
) -> None:
    engine = how.engine(10, lambda _: None)
    assert isinstance(engine, functools.partial)
    assert engine.func is function
    assert engine.keywords.get("address") == address
