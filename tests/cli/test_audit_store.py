"""The store of an audit: what is said of the time that a comparison takes."""

import itertools
from types import SimpleNamespace

import pytest

from preimage.cli import audit_store
from preimage.cli.progress import progress_bar


@pytest.mark.parametrize(("seconds", "count"), [(0.1, 0), (2.0, 1)])
def test_a_long_comparison_says_how_long_and_how_to_do_without(
    seconds: float,
    count: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = itertools.count(0, seconds)
    monkeypatch.setattr(audit_store, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    with progress_bar() as bar:
        report = audit_store._report(bar, "net/pool")
        for done in range(1, 6):
            report(done, 96)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == count
    assert all(line.startswith("96 crops: about 3 minutes left; ") for line in said)
    assert all(line.endswith("--rep 'net/pool|unit'") for line in said)
