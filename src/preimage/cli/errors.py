"""The end of a command: one line for each error, and the exit status.

0    all went well
1    nobody reads standard output any more
2    bad input, some of several inputs failed, or standard output cannot be written
3    an audit found more than --fail-above allows
130  Ctrl-C; the results so far are saved
"""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn

import typer
from rich.console import Console

from preimage.files import explain
from preimage.names import one_line

console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False)
"""Standard error, for everything that is not a result."""


_KEPT = "finished results are kept, and another run goes on from there"

_tracebacks = False


def show_tracebacks(wanted: bool) -> None:
    """Choose whether errors are also shown as Python shows them; by default they are not."""
    global _tracebacks  # noqa: PLW0603
    _tracebacks = wanted


def print_traceback() -> None:
    """Print the traceback of the exception that is being handled, if tracebacks are wanted."""
    if _tracebacks and sys.exc_info()[1] is not None:
        console.print(traceback.format_exc().rstrip())


def in_one_line(error: BaseException) -> str:
    """Return what an error says, with its notes."""
    if isinstance(error, OSError):
        return explain(error)
    return "; ".join([str(error), *getattr(error, "__notes__", ())])


@contextlib.contextmanager
def clear_errors(describe_kept: Callable[[], str] = lambda: _KEPT) -> Iterator[None]:
    """Turn an error that a user can cause into one line and exit status 2.

    Args:
        describe_kept: says after Ctrl-C what is kept.
    """
    try:
        yield
    except BrokenPipeError:  # nobody reads the output any more: Typer ends without a message
        raise
    except (OSError, ValueError, ArithmeticError, Warning) as error:  # warnings: python -W error
        fail(in_one_line(error))
    except KeyboardInterrupt:
        console.print(f"interrupted; {describe_kept()}")
        raise typer.Exit(130) from None


def fail(message: str) -> NoReturn:
    """Print one line and end with exit status 2."""
    print_traceback()
    console.print(f"error: {one_line(message)}")
    raise typer.Exit(2)


def conclude(failures: Sequence[str], *, interrupted: bool = False) -> None:
    """Print a line for each failure; end with exit status 130 after Ctrl-C, 2 after failures."""
    for failure in failures:
        console.print(f"error: {one_line(failure)}")
    if interrupted:
        console.print("interrupted: the pictures are saved as they were then")
        raise typer.Exit(130)
    if failures:
        raise typer.Exit(2)
