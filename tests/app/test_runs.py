from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import closing

import pytest
import torch
from tests.app.test_task import photo

from preimage.app.frames import Frame
from preimage.app.runs import Runs, Stage
from preimage.app.task import Photo, Task

TASK = Task(visualization="invert", representation="hog", photo=photo(), steps=20)


@pytest.fixture(scope="module")
def runs() -> Iterator[Runs]:
    found = Runs(1)
    yield found
    found.close()


def test_workers_start_anew_where_there_is_no_server_of_copies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("preimage.app.runs.start_method", lambda **_: "spawn")
    with closing(Runs(1)) as runs:
        run = runs.begin(dataclasses.replace(TASK, steps=2))
        assert run.wait(120)
    assert run.error is None
    assert run.result is not None


def test_a_run_reports_stages_and_frames_and_has_the_librarys_bits(runs: Runs) -> None:
    run = runs.begin(TASK)
    events = [event for event in run.events() if event is not None]
    assert isinstance(events[0], Stage)
    assert sum(isinstance(event, Frame) for event in events) >= 5
    assert run.wait(5)
    assert run.error is None
    assert run.result is not None
    assert torch.equal(run.result.images, TASK.carry_out(TASK.model(), lambda p: None).images)


def test_a_run_stops_within_a_step_or_two_and_goes_on(runs: Runs) -> None:
    long = dataclasses.replace(TASK, steps=100_000)
    run, steps = runs.begin(long), []
    for event in run.events():
        if isinstance(event, Frame):
            steps.append(event.step)
            run.stop()
    assert run.result is not None
    assert run.result.interrupted
    goes_on = dataclasses.replace(TASK, steps=2, start=run.result)
    after = runs.begin(goes_on)
    assert list(after.events())
    assert after.result is not None
    assert after.result.start == (f"noise, {len(run.result.trace.loss)} steps",)


def test_a_run_that_nobody_watches_any_more_stops(runs: Runs) -> None:
    run = runs.begin(dataclasses.replace(TASK, steps=100_000))
    events = run.events()
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert run.wait(20)
    assert runs.begin(TASK).wait(20)


def test_an_error_is_one_line_and_the_worker_goes_on(runs: Runs) -> None:
    run = runs.begin(dataclasses.replace(TASK, photo=Photo("a.png", b"nothing")))
    assert run.wait(20)
    assert run.result is None
    assert run.error
    assert len(run.error.splitlines()) == 1
    assert runs.begin(TASK).wait(20)


def test_a_worker_that_dies_is_replaced(runs: Runs) -> None:
    run = runs.begin(dataclasses.replace(TASK, steps=100_000))
    next(iter(run.events()))
    runs.close()
    assert run.wait(20)
    assert run.error is not None
    again = runs.begin(TASK)
    assert again.wait(30)
    assert again.result is not None


def test_workers_can_start_before_there_is_a_task() -> None:
    runs = Runs(2)
    runs.warm()
    assert runs.begin(TASK).wait(30)
    runs.close()
