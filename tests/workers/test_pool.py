"""Tasks shared out among workers: none is lost, whatever happens to a worker or a user does."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import threading
import time
from typing import ClassVar

import pytest

from preimage.workers import Died, Done, Failed, Pool, WorkerError, process, share
from preimage.workers.process import Event, Reporter

ALWAYS = 60.0
"""Seconds that a task would run which is not stopped."""


def _until_stopped(task: int, reporter: Reporter) -> str:
    """Work until the task is to stop; task 0 has an end of its own."""
    end = time.monotonic() + ALWAYS
    try:
        while task and time.monotonic() < end:
            reporter(lambda: task)
            time.sleep(0.01)
    except KeyboardInterrupt:
        return f"{task} so far"
    return f"{task} done"


def test_every_task_ends_in_a_worker_and_none_is_left() -> None:
    ends = dict(share(lambda task, _: (task, os.getpid()), "abc", workers=2, method="fork"))
    assert [ends[n].value[0] for n in range(3)] == ["a", "b", "c"]  # type: ignore[union-attr]
    assert os.getpid() not in {ends[n].value[1] for n in range(3)}  # type: ignore[union-attr]
    assert multiprocessing.active_children() == []


class _Encoder:
    """An object whose destructor notes the process that it ran in."""

    ended: ClassVar[list[int]] = []

    def __init__(self) -> None:
        self.itself = self  # so that only a collection ends it

    def __del__(self) -> None:
        self.ended.append(os.getpid())


def test_garbage_of_this_process_is_not_collected_in_its_copies() -> None:
    def collect(_task: int, _: Reporter) -> tuple[list[int], bool]:
        gc.collect()
        return _Encoder.ended, gc.isenabled()

    gc.collect()
    _Encoder.ended.clear()
    _Encoder()
    ends = dict(share(collect, range(2), workers=2, method="fork"))
    assert [end.value for end in ends.values() if isinstance(end, Done)] == [([], True)] * 2
    assert gc.isenabled()
    gc.collect()
    assert _Encoder.ended == [os.getpid()]


def test_a_worker_that_dies_loses_its_own_task_only() -> None:
    def work(task: int, _: Reporter) -> int:
        if task == 1:
            os.kill(os.getpid(), 9)
        return task

    ends = dict(share(work, range(4), workers=2, method="fork"))
    assert [n for n in range(4) if isinstance(ends[n], Done)] == [0, 2, 3]
    assert isinstance(ends[1], Died)
    assert "a worker process died (killed, as for want of memory" in str(ends[1].error)


def test_another_thread_may_kill_the_workers_and_the_task_is_told_to_have_died() -> None:
    with Pool(_until_stopped, workers=1, threads=1, method="fork") as pool:
        for _ in range(20):
            pool.begin(1)
            threading.Thread(target=pool.kill).start()
            events: list[Event] = []
            while pool.is_busy:
                events += pool.wait()
            assert isinstance(events[-1], Died)


def test_a_worker_that_died_between_tasks_is_replaced() -> None:
    with Pool(lambda task, _: (task, os.getpid()), workers=1, threads=1, method="fork") as pool:
        pids = []
        for task in range(2):
            pool.begin(task)
            (event,) = pool.wait()
            assert isinstance(event, Done)
            pids.append(event.value[1])
            os.kill(event.value[1], 9)
            while multiprocessing.active_children():
                time.sleep(0.01)
    assert pids[0] != pids[1]


def test_the_error_of_a_task_leaves_the_others() -> None:
    ends = dict(share(lambda task, _: 1 // task, range(3), workers=2, method="fork"))
    assert isinstance(ends[0], Failed)
    assert isinstance(ends[0].error, ZeroDivisionError)
    assert [ends[1], ends[2]] == [Done(1, 1), Done(2, 0)]


def test_ctrl_c_stops_what_was_begun_and_keeps_what_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "_SECONDS_BETWEEN_REPORTS", 0)
    seen: set[int] = set()

    def press(index: int, value: int) -> None:
        seen.add(index)
        if seen == {1, 2}:
            seen.add(0)
            raise KeyboardInterrupt

    ends = dict(share(_until_stopped, range(5), workers=2, method="fork", watch=press))
    told = {n: end.value for n, end in ends.items() if isinstance(end, Done)}
    assert told == {0: "0 done", 1: "1 so far", 2: "2 so far"}


def test_a_second_ctrl_c_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_SECONDS_BETWEEN_REPORTS", 0)

    def work(task: int, reporter: Reporter) -> None:
        while True:
            with contextlib.suppress(KeyboardInterrupt):  # deaf
                reporter(lambda: task)

    def press(index: int, value: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dict(share(work, range(2), workers=2, method="fork", watch=press))
    assert multiprocessing.active_children() == []


def test_a_worker_can_have_no_workers_of_its_own() -> None:
    def nest(task: int, _: Reporter) -> None:
        Pool(lambda task, _: task, workers=2, threads=1, method="fork")

    ((_, end),) = share(nest, [0], workers=1, method="fork")
    assert isinstance(end, Failed)
    assert isinstance(end.error, WorkerError)
    assert "is a worker itself" in str(end.error)
