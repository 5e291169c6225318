"""The clock of `pictures --time`, with judges that only pretend to look."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import pytest

from benchmarks.peers.timed import BelievedError, Watch
from benchmarks.time_to_picture import table


def watched(probabilities: Sequence[float]) -> dict[str, Any]:
    """Return the result of a run with a look of these probabilities at every second."""
    watch = Watch(float, every=1)
    with contextlib.suppress(BelievedError):
        for second, probability in enumerate(probabilities):
            watch.look(10 * second, second, probability)
    return watch.result()


def test_a_picture_counts_from_the_look_on_since_which_it_is_believed() -> None:
    lucky = watched([0.1, 0.95, 0.5, 0.92, 0.93, 0.94, 0.1])
    assert (lucky["reached"], lucky["seconds"], lucky["steps"]) == (True, 3, 30)
    late = watched([0.1, 0.95, 0.5, 0.92])
    assert (late["reached"], late["seconds"]) == (True, 3)
    never = watched([0.1, 0.95, 0.5])
    assert (never["reached"], never["seconds"], never["best"]) == (False, 2, 0.95)


def test_the_clock_stands_still_while_judges_look(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([100.0, 103.0, 150.0, 154.0, 200.0])
    monkeypatch.setattr("time.process_time", lambda: next(times))
    watch = Watch(float, every=2)
    watch.picture = lambda: 0.5
    watch.start()
    for _ in range(4):
        watch.step()
    assert [look[:2] for look in watch.looks] == [(2, 3), (4, 7)]


def test_what_is_not_reached_counts_as_infinitely_late() -> None:
    row = {"package": "p", "version": "1", "setting": "s", "steps": "5", "best": "0.9"}
    rows = [row | {"reached": str(n < 2), "seconds": str(n)} for n in range(3)]
    assert table(rows)[-1] == "| p 1 | s | 2 of 3 | 1.0 | 5 | 0.90 |"
    assert "inf" in table([row | {"reached": "False", "seconds": "4"}])[-1]
