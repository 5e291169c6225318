"""Functions compiled by numba, if it is installed (extra `fast`), and kept on disk.

Compiled code lies in the folder `compiled` of the cache folder, or in $NUMBA_CACHE_DIR if that is
set. Where neither can be written, each process compiles anew. Processes may compile at once: numba
replaces its files whole.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any, TypeVar

from preimage.files import cache_folder

_Function = TypeVar("_Function", bound=Callable[..., Any])

_MESSAGE = "compiling for this processor, up to ten seconds; later runs find what was compiled\n"


@lru_cache(maxsize=1)
def has_numba() -> bool:
    """Return whether numba is installed, works with this numpy, and may compile."""
    try:
        numba = importlib.import_module("numba")
    except ImportError:  # numba raises it, too, if numpy is newer than it knows
        return False
    return not numba.config.DISABLE_JIT  # kernels that are not compiled are slower than torch


def compiled(function: _Function) -> _Function:
    """Compile a function when it is first called; modules that use this need numba.

    Floating-point operations keep their order, so that results are the same wherever an array
    lies in memory. Numba notices changes of the file that a function is in, but not of other files:
    what a compiled function calls must stand in the same file.
    """
    import numba

    _announce()
    dispatcher = numba.njit(nogil=True, error_model="numpy")(function)
    own = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = own or str(cache_folder() / "compiled")
    try:
        with suppress(RuntimeError):  # no folder can be written
            dispatcher.enable_caching()
    finally:
        numba.config.CACHE_DIR = own
    return dispatcher


@lru_cache(maxsize=1)
def _announce() -> None:
    """Say on standard error, once in a process, when a function of this package is compiled."""
    from numba.core import event

    class Announcement(event.Listener):  # type: ignore[misc]
        said = False

        def on_start(self, event: Any) -> None:
            ours = event.data["dispatcher"].py_func.__module__.startswith("preimage.")
            if ours and not self.said:
                self.said = True
                sys.stderr.write(_MESSAGE)
                sys.stderr.flush()

        def on_end(self, event: Any) -> None:
            pass

    event.register("numba:compile", Announcement())
