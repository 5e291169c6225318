"""Rates: what each client may do at once and in the long run."""

from __future__ import annotations

import time

import pytest

from preimage.app.rates import Rate


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that rates see, to be changed."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_each_client_has_a_rate_of_its_own(clock: list[float]) -> None:
    rate = Rate(at_once=2, per_second=1)
    assert [rate.wait("a") > 0 for _ in range(3)] == [False, False, True]
    assert rate.wait("b") == 0


def test_after_the_wait_that_was_told_one_more_is_allowed(clock: list[float]) -> None:
    rate = Rate(at_once=1, per_second=4)
    rate.wait("a")
    seconds = rate.wait("a")
    assert seconds == pytest.approx(0.25)
    clock[0] += seconds
    assert rate.wait("a") == 0
    assert rate.wait("a") > 0


def test_a_long_pause_allows_no_more_than_at_once(clock: list[float]) -> None:
    rate = Rate(at_once=3, per_second=10)
    rate.wait("a")
    clock[0] += 1e6
    assert sum(rate.wait("a") == 0 for _ in range(10)) == 3


def test_refused_uses_do_not_lengthen_the_wait(clock: list[float]) -> None:
    rate = Rate(at_once=1, per_second=1)
    assert [rate.wait("a") for _ in range(5)] == [0, 1, 1, 1, 1]


def test_clients_without_number_take_no_memory_without_end(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preimage.app.rates._MOST_CLIENTS", 10)
    rate = Rate(at_once=1, per_second=1)
    for n in range(50):
        rate.wait(f"client {n}")
    assert len(rate._clients) == 10
