"""The store of an audit: what is said of the time that a comparison takes."""

import itertools
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from preimage.cli import audit_store, progress
from preimage.cli.progress import progress_bar


class EnoughError(Exception):
    """The end of a comparison that is not carried out."""


@pytest.mark.parametrize(("seconds", "count"), [(0.1, 0), (2.0, 1)])
def test_a_long_comparison_says_how_long_and_how_to_do_without(
    seconds: float,
    count: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = itertools.count(0, seconds)
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(clock)))

    def encode(layer: Any, photos: Any, report: Callable[[int, int], None], **_: Any) -> Any:
        for done in range(1, 6):
            report(done, 96)
        raise EnoughError

    layer: Any = SimpleNamespace(name="net/pool")
    vectors: Any = SimpleNamespace(rows=range(9), values=np.eye(9) * 0.5)
    cache: Any = SimpleNamespace(reference=encode, folder=Path("out"))
    with progress_bar() as bar, pytest.raises(EnoughError):
        audit_store.recognize_vectors(vectors, layer, None, None, cache, bar, lambda text: None)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == count
    assert all(line.startswith("96 crops: about 3 minutes left; ") for line in said)
    assert all(line.endswith("--rep 'net/pool|plain'") for line in said)
