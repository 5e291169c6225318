"""A worker: a process that carries out one task at a time, and answers with an event.

It begins as a copy of this process (fork) where such a copy can compute, which takes a few
hundredths of a second, and otherwise as a new process that imports this package alone: a user's
script or notebook is never run again. It leaves Ctrl-C to this process, and ends with it.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.pool import ExceptionWithTraceback  # type: ignore[attr-defined]
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any, TypeAlias

from preimage.names import one_line

_SECONDS_BETWEEN_REPORTS = 0.5
_IMPORTED = ["preimage.visualizations"]
"""Modules that the process of a forkserver imports before workers are copied from it."""


class WorkerError(ChildProcessError):
    """The error of a worker process that died, or that cannot be started.

    Attributes:
        finished: what the other workers found, if the caller can use a part.
    """

    finished: Any = None


@dataclass(frozen=True, slots=True)
class Report:
    """The state of a task that is not done yet."""

    task: Any
    value: Any


@dataclass(frozen=True, slots=True)
class Done:
    """The value of a task that is done."""

    task: Any
    value: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """The error of a task."""

    task: Any
    error: BaseException


@dataclass(frozen=True, slots=True)
class Died:
    """The end of a worker in the middle of a task."""

    task: Any
    cause: str

    @property
    def error(self) -> WorkerError:
        """The end as an error."""
        return WorkerError(f"a worker process died ({self.cause})")


_STARTING = threading.Lock()
"""The lock of threads that start a worker: a copy must not inherit the pipes of another."""
STOP = "stop"

Event: TypeAlias = Report | Done | Failed | Died


class Reporter:
    """A task's way to report its state twice a second, and to learn that it is to stop."""

    def __init__(
        self, send: Callable[[Any], object], is_asked_to_stop: Callable[[], bool] = lambda: False
    ) -> None:
        self._send, self._is_asked_to_stop = send, is_asked_to_stop
        self._last = time.monotonic()

    def __call__(self, make: Callable[[], Any], *, always: bool = False) -> None:
        """Send what `make` returns if it is time for it or if `always`; call this at every step.

        Raises:
            KeyboardInterrupt: if the task is to stop.
        """
        if self._is_asked_to_stop():
            raise KeyboardInterrupt
        if always or time.monotonic() - self._last >= _SECONDS_BETWEEN_REPORTS:
            self._last = time.monotonic()
            self._send(make())


Function: TypeAlias = Callable[[Any, Reporter], Any]
"""A function of a task, which a worker calls for one task after the other."""


def start_method(threads: int = 1, *, can_copy: bool = True) -> str:
    """Return how workers start: by "fork", or else by "forkserver" or, outside Linux, "spawn".

    A copy of this process cannot compute where a GPU is in use, since it shares the driver's
    state, or with several threads, since it lacks those that torch has started.
    """
    if sys.platform != "linux":
        return "spawn"
    if not can_copy or threads > 1:
        return "forkserver"
    import torch

    has_gpu = torch.cuda.is_available() or torch.xpu.is_available()
    return "forkserver" if has_gpu else "fork"


def count_cores() -> int:
    """Return the number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # where processes are not bound to cores
        return os.cpu_count() or 1


class Sent:
    """A function in a form that can be sent to processes which start anew.

    Raises:
        ValueError: if it cannot be sent.
    """

    def __init__(self, function: Function) -> None:
        self._called: Function | None = None
        try:
            with _empty_main():
                self._pickled = pickle.dumps(function)
        except Exception as error:  # pickle raises whatever an object raises
            raise ValueError(
                f"workers start anew here, and a function or network cannot be sent to them "
                f"({one_line(str(error))}): define it in a module of its own, or leave workers out"
            ) from error

    def __call__(self, task: Any, reporter: Reporter) -> Any:
        """Call the function, which is read at the first call."""
        if self._called is None:
            self._called = pickle.loads(self._pickled)
        return self._called(task, reporter)


class Worker:
    """A process that carries out one task at a time; `others` are the pipes to other workers."""

    def __init__(
        self, function: Function, others: Sequence[Connection], threads: int, method: str
    ) -> None:
        context = multiprocessing.get_context(method)
        if method == "forkserver":
            context.set_forkserver_preload(_IMPORTED)
        with _STARTING, without_interrupts(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of Python 3.12, about threads
            self.connection, theirs = context.Pipe()
            inherited = [*others, self.connection] if method == "fork" else []
            self._process: BaseProcess = context.Process(  # type: ignore[attr-defined]
                target=_serve, args=(theirs, inherited, threads, function), daemon=True
            )
            with _without_collecting() if method == "fork" else _empty_main():
                self._process.start()
            theirs.close()

    def send(self, task: Any) -> None:
        """Send a task; if the process has died, only the next receive fails."""
        with contextlib.suppress(ConnectionError):
            self.connection.send_bytes(pickle.dumps(task))

    @property
    def is_alive(self) -> bool:
        """False if the process has ended."""
        return self._process.is_alive()

    def kill(self) -> None:
        """Kill the process; the next receive fails."""
        self._process.kill()

    def end(self) -> int | None:
        """Kill the process, and return its exit status."""
        self.kill()
        self._process.join()
        self.connection.close()
        return self._process.exitcode


def _serve(
    connection: Connection, inherited: Sequence[Connection], threads: int, function: Function
) -> None:
    """Carry out the tasks that a connection brings, until it closes."""
    gc.freeze()  # or else destructors of inherited garbage might wait for threads of the other end
    gc.enable()
    for other in inherited:  # or else this process would keep the pipes of a dead parent open
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process at the other end handles Ctrl-C
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__  # those of a screen need its threads
    import torch

    torch.set_num_threads(threads)

    def report(value: Any) -> None:
        connection.send_bytes(pickle.dumps((Report, pickle.dumps(value), [])))

    def is_asked_to_stop() -> bool:
        return connection.poll() and pickle.loads(connection.recv_bytes()) == STOP

    try:
        while True:
            task = pickle.loads(connection.recv_bytes())
            if task == STOP:  # it came after the end of the last task
                continue
            end = _carry_out(function, task, Reporter(report, is_asked_to_stop))
            connection.send_bytes(pickle.dumps(end))
    except (EOFError, ConnectionError):
        return


def _carry_out(
    function: Function, task: Any, reporter: Reporter
) -> tuple[type, bytes, list[tuple[str, type[Warning], str, int]]]:
    """Return the kind of a task's end, its pickled value or error, and what it warned of."""
    kind: type = Failed
    with warnings.catch_warnings(record=True) as caught:
        try:
            kind, value = Done, pickle.dumps(function(task, reporter))
        except KeyboardInterrupt as error:
            value = pickle.dumps(error)
        except Exception as error:  # any error of a task is told
            value = _pickled(error)
    return kind, value, [(str(w.message), w.category, w.filename, w.lineno) for w in caught]


def _pickled(error: Exception) -> bytes:
    """Return an error with its traceback in a form that can be sent, or else its message."""
    try:
        found = pickle.dumps(ExceptionWithTraceback(error, error.__traceback__))
        pickle.loads(found)
    except Exception:  # of a user's own class: pickle raises whatever an object raises
        known = (ValueError, ArithmeticError, OSError)
        kind = next((kind for kind in known if isinstance(error, kind)), RuntimeError)
        return pickle.dumps(kind(f"{type(error).__name__}: {error}"))
    return found


def in_words(status: int | None) -> str:
    """Return the exit status of a worker that died.

    >>> in_words(-9), in_words(1)
    ('killed, as for want of memory: fewer workers need less', 'exit status 1')
    """
    if status == -getattr(signal, "SIGKILL", 9):
        return "killed, as for want of memory: fewer workers need less"
    return f"exit status {status}"


@contextlib.contextmanager
def _without_collecting() -> Iterator[None]:
    """Leave garbage alone in the block, here and in a process that starts there.

    A copy of this process lacks its threads. An encoder of films, for example, waits in its
    destructor for the end of its own.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextlib.contextmanager
def _empty_main() -> Iterator[None]:
    """Show an empty main module to what is pickled or started in the block.

    Otherwise a new process would run the user's script again.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextlib.contextmanager
def without_interrupts() -> Iterator[None]:
    """Block Ctrl-C in the block; a process that starts there inherits this.

    So it is not stopped in an import. Python's resource tracker, which starts with the first
    process, would end the blocking.
    """
    if not hasattr(signal, "pthread_sigmask"):  # not a POSIX system
        yield
        return
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
