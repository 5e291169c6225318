"""Settings of all tests: few threads, fixed examples and an empty cache folder.

There is one thread, since a second one slows down the small kernels of the tests; or as many as
PREIMAGE_TEST_THREADS says.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from benchmarks.missing_operators import declare_missing_operators
from hypothesis import settings
from tests.browser import chromium

import preimage
from preimage.compiling import has_numba
from preimage.representations import threads

# Compiling takes longer than the tests of what is compiled: kept for the next run.
os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(sys.prefix) / "preimage-compiled"))
collect_ignore_glob = []
if not has_numba():  # modules that need numba
    collect_ignore_glob += ["src/preimage/*/fused.py", "src/preimage/*/*_kernels.py"]
if find_spec("gradio") is None:  # modules that need Gradio
    collect_ignore_glob += [
        f"src/preimage/app/{name}.py"
        for name in ("*_page", "guard", "photo_choice", "server", "style")
    ]
    collect_ignore_glob += ["benchmarks/endurance/app.py", "benchmarks/endurance/visitors.py"]
THREADS = int(os.environ.get("PREIMAGE_TEST_THREADS", "1"))
torch.set_num_threads(THREADS)
settings.register_profile("preimage", deadline=None, derandomize=True, max_examples=25)
settings.load_profile("preimage")
declare_missing_operators()


def pytest_runtest_setup() -> None:
    """Begin each test with the same number of threads, even if the last one has changed it."""
    torch.set_num_threads(THREADS)


@pytest.fixture(autouse=True)
def _threads_not_measured(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute with torch's present number of threads, except in tests of the measurement."""
    if "measures_threads" not in request.keywords:
        monkeypatch.setattr(threads, "faster_number", lambda evaluate: torch.get_num_threads())


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hide the statistics and weights of the person who runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREIMAGE_CACHE", str(tmp_path_factory.mktemp("cache")))
        # What torch.compile keeps for one instruction set does not compile for another.
        patch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path_factory.mktemp("compiled")))
        yield


@pytest.fixture(autouse=True, scope="session")
def _compiled(_own_cache: None) -> None:
    """Compile what the fast solvers run, before a test finds the line about it in its output."""
    photo = torch.rand(3, 40, 40)
    photo[:, :30, :30] = 0.5
    for name in ("hog", "dsift") if has_numba() else ():
        phi, one = preimage.representation(name), preimage.Execution(threads=1)
        preimage.invert(phi, photo, settings=preimage.settings_for(phi, "draft"), execution=one)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start a headless Chromium; skip the test if there is none."""
    with chromium() as found:
        yield found
