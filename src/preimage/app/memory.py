"""Memory that the app frees, and how it comes back to the system."""

from __future__ import annotations

import ctypes
import gc
import sys
from contextlib import suppress


def spare_the_pages() -> None:
    """Let the garbage collector overlook all that is there now, since it stays until the end.

    Gradio makes new components for each frame of a run, in circles of references. The collector
    would let them pile up until they are a quarter of all objects, tens of megabytes.
    """
    gc.collect()
    gc.freeze()


def return_memory() -> None:
    """Return freed memory to the system; do nothing if the C library is not glibc.

    Glibc keeps freed memory below any that is in use: more than 100 MB after the app has looked at
    the layers of EfficientNet-Lite0, whose weights take 19 MB.
    """
    if sys.platform == "linux":
        with suppress(AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
