from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from tests.app.test_task import photo

from preimage.app.runs import Runs
from preimage.app.task import Task
from preimage.app.visits import Visits

TASK = Task(visualization="invert", representation="hog", photo=photo(), steps=3)
LONG = dataclasses.replace(TASK, steps=100_000)


@pytest.fixture(scope="module")
def visits() -> Iterator[Visits]:
    runs = Runs(2)
    found = Visits(runs)
    yield found
    runs.close()
    found.downloads.close()


def test_two_visitors_are_served_at_once_and_stop_for_themselves(visits: Visits) -> None:
    first, second = visits.begin("a", LONG), visits.begin("b", LONG)
    next(first.events(0.1))
    assert visits.stop("b") is second
    assert second.wait(0)
    visits.stop("a")
    assert first.wait(0)


def test_the_next_run_of_a_visitor_ends_the_one_before(visits: Visits) -> None:
    first = visits.begin("a", LONG)
    second = visits.begin("a", TASK)
    assert first.wait(0)
    assert second.wait(20)
    assert visits.last("a") is second


def test_a_result_can_be_gone_on_from_but_not_a_caricature(visits: Visits) -> None:
    with pytest.raises(ValueError, match="press Start"):
        visits.to_go_on("new")
    run = visits.begin("a", TASK)
    assert run.wait(20)
    assert visits.to_go_on("a").start is run.result
    caricature = dataclasses.replace(TASK, visualization="caricature", method="anchored")
    assert visits.begin("a", caricature).wait(20)
    with pytest.raises(ValueError, match="starts from its photo"):
        visits.to_go_on("a")


def test_who_waits_for_a_worker_can_leave_the_queue(visits: Visits) -> None:
    run = visits.begin("a", TASK)
    visits.wait("a")
    assert visits.stop("a") is None
    assert visits.stop("a") is run


def test_who_leaves_takes_run_and_files_along(visits: Visits) -> None:
    first = visits.begin("a", TASK)
    assert first.wait(20)
    files = visits.write("a", first)
    assert files
    assert visits.write("a", first) == files
    run = visits.begin("a", LONG)
    visits.leave("a")
    assert run.wait(20)
    assert visits.last("a") is None
    assert not files[0].exists()
    assert visits.write("a", first) == []


def test_visitors_without_number_are_not_all_remembered(
    visits: Visits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preimage.app.visits.MOST_VISITORS", 2)
    for name in ("c", "d", "e"):
        assert visits.begin(name, TASK).wait(20)
    visits.begin("c", TASK).wait(20)
    assert [visits.last(name) is None for name in ("c", "d", "e")] == [False, True, False]
    assert visits.last("a") is None
