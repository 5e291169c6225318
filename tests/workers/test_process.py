"""A worker: how it starts, what it inherits, and what comes back from it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import warnings

import pytest
import torch

from preimage.optimizer.recorder import NonFiniteEnergyError
from preimage.workers import Done, Failed, Pool, start_method
from preimage.workers.process import Function, Reporter, in_words, without_interrupts

SCRIPT = """
import operator
print("runs")
from preimage.workers import share
ends = share(operator.is_, [1, 2], workers=2, method="forkserver")
print(sorted((n, end.value) for n, end in ends))
"""
BLOCKED = """
import signal
from multiprocessing import resource_tracker
from preimage.workers.process import without_interrupts
def is_blocked():
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])
with without_interrupts():
    resource_tracker.ensure_running()  # as the start of the first process does
    within = is_blocked()
print(within, is_blocked())
"""


class _OddError(ValueError):
    """An error that cannot be read again after it was sent."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__(f"{first} and {second}")


def _end(function: Function, task: object = 0) -> Done | Failed:
    """The end of a task in a copy of this process."""
    with Pool(function, workers=1, threads=1, method="fork") as pool:
        pool.begin(task)
        (end,) = pool.wait()
    assert isinstance(end, Done | Failed)
    return end


def test_a_copy_needs_no_function_that_can_be_sent_and_has_its_number_of_threads() -> None:
    torch.set_num_threads(2)
    torch.rand(64, 64, 64) @ torch.rand(64, 64, 64)  # starts threads that a copy lacks
    assert _end(lambda task, _: (task, torch.get_num_threads()), "a") == Done("a", ("a", 1))
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("is_file", [False, True])
def test_a_script_without_a_guard_runs_once_where_workers_start_anew(
    is_file: bool, tmp_path: os.PathLike[str]
) -> None:
    path = os.path.join(tmp_path, "script.py")
    with open(path, "w") as file:
        file.write(SCRIPT)
    done = subprocess.run(
        [sys.executable, path if is_file else "-"],
        input=None if is_file else SCRIPT, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["runs", "[(0, False), (1, False)]"]


def test_what_cannot_be_sent_is_an_error_of_one_line() -> None:
    with pytest.raises(ValueError, match=r"start anew here.*lambda.*leave workers out"):
        Pool(lambda task, _: task, workers=2, threads=1, method="forkserver")


def test_errors_come_back_with_their_kind_their_facts_and_their_traceback() -> None:
    def fail(task: object, _: Reporter) -> None:
        raise NonFiniteEnergyError(3, torch.ones(2))

    end = _end(fail)
    assert isinstance(end, Failed)
    assert isinstance(end.error, NonFiniteEnergyError)
    assert (end.error.step, end.error.last_images.tolist()) == (3, [1.0, 1.0])
    assert "in fail" in str(end.error.__cause__)


def test_an_error_that_cannot_be_sent_comes_back_as_its_message() -> None:
    def fail(task: object, _: Reporter) -> None:
        raise _OddError(1, 2)

    end = _end(fail)
    assert isinstance(end, Failed)
    assert type(end.error) is ValueError
    assert str(end.error) == "_OddError: 1 and 2"


def test_a_value_that_cannot_be_sent_is_an_error_of_its_task() -> None:
    end = _end(lambda task, _: lambda: None)
    assert isinstance(end, Failed)
    assert "lambda" in str(end.error)


def test_warnings_come_back() -> None:
    def warn(task: object, _: Reporter) -> None:
        warnings.warn("of a worker", stacklevel=1)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with pytest.warns(UserWarning, match="of a worker"):
            assert _end(warn) == Done(0, None)


def test_workers_end_with_their_process_however_it_ends() -> None:
    code = """
import os, time
from preimage.workers import Pool
def work(task, reporter):
    return os.getpid()
pool = Pool(work, workers=2, threads=1, method="fork")
pool.begin(0), pool.begin(1)
found = []
while len(found) < 2:
    found += [end.value for end in pool.wait()]
print(*found, flush=True)
os.kill(os.getpid(), 9)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == -signal.SIGKILL  # output was read to its end: no worker holds it
    for pid in map(int, done.stdout.split()):
        assert not os.path.exists(f"/proc/{pid}/exe")


def test_the_first_worker_too_starts_with_ctrl_c_blocked() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "True False\n"
    with without_interrupts():
        pass


def test_workers_start_as_copies_only_where_these_can_compute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert start_method() == "fork"
    assert start_method(threads=2) == "forkserver"
    assert start_method(can_copy=False) == "forkserver"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert start_method() == "forkserver"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert start_method() == start_method(can_copy=False) == "spawn"


def test_the_end_of_a_worker_is_told_in_words() -> None:
    assert in_words(-9).startswith("killed")
    assert in_words(3) == "exit status 3"
