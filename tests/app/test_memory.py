from __future__ import annotations

import gc
import os
import platform
from collections.abc import Iterator
from pathlib import Path

import pytest

from preimage.app.memory import return_memory, spare_the_pages


@pytest.fixture
def unfrozen() -> Iterator[None]:
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("unfrozen")
def test_objects_that_are_there_are_spared_and_later_ones_collected() -> None:
    there: list[object] = [[]]
    spare_the_pages()
    assert not any(one is there for one in gc.get_objects())
    later: list[object] = []
    later.append(later)
    del later
    assert gc.collect() >= 1


def resident() -> int:
    """The memory of this process, in bytes."""
    pages = Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that keeps memory")
def test_freed_memory_below_some_that_is_used_comes_back() -> None:
    blocks = [bytes(60_000) for _ in range(3000)]
    last = blocks.pop()
    before = resident()
    blocks.clear()
    return_memory()
    assert resident() < before - 100_000_000
    assert len(last) == 60_000
