"""Compiled functions: where they are kept, what is said, and the package without numba."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from preimage.compiling import compiled, has_numba
from preimage.representations.hog import HOG

needs_numba = pytest.mark.skipif(not has_numba(), reason="numba is not installed")

_PRIOR = """
import sys
import numpy as np
from preimage.priors.prior_kernels import _sum
print(_sum(np.arange(4.0)), _sum.stats.cache_path, sum(_sum.stats.cache_hits.values()))
"""

_WITHOUT = """
import sys
if "missing" in sys.argv:
    sys.modules["numba"] = None  # importing it fails
import torch
import preimage
hog = preimage.representation("hog")
assert hog.fused() is hog
result = preimage.invert(hog, torch.rand(3, 24, 32), settings=preimage.settings_for(hog, "draft"))
print(result.images.isfinite().all().item())
"""


def _start(program: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    inherited = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=inherited | environment,
    )


@needs_numba
def test_two_processes_may_compile_at_once_and_a_third_compiles_nothing(tmp_path: Path) -> None:
    folder = {"PREIMAGE_CACHE": str(tmp_path)}
    both = [_start(_PRIOR, **folder) for _ in range(2)]
    for out, error in [process.communicate(timeout=120) for process in both]:
        assert out.startswith(f"6.0 {tmp_path}"), error
    third = _start(_PRIOR, **folder)
    out, error = third.communicate(timeout=120)
    assert out.split()[-1] == "1"
    assert error == ""


@needs_numba
def test_compiling_is_said_in_one_line_and_the_folder_of_numba_is_kept(tmp_path: Path) -> None:
    process = _start(_PRIOR, NUMBA_CACHE_DIR=str(tmp_path / "own"))
    out, error = process.communicate(timeout=120)
    assert str(tmp_path / "own") in out
    assert error.count("\n") == 1
    assert error.startswith("compiling")


@needs_numba
def test_where_no_folder_can_be_written_functions_are_compiled_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from numba.core.dispatcher import Dispatcher

    def refuse(self: object) -> None:
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr(Dispatcher, "enable_caching", refuse)
    assert compiled(_double)(2.0) == 4.0


def _double(value: float) -> float:
    return value + value


def test_without_numba_the_eager_descriptors_serve() -> None:
    out, error = _start(_WITHOUT, "missing").communicate(timeout=120)
    assert out == "True\n", error


def test_where_numba_must_not_compile_the_eager_descriptors_serve() -> None:
    out, error = _start(_WITHOUT, NUMBA_DISABLE_JIT="1").communicate(timeout=120)
    assert out == "True\n", error


def test_without_numba_nothing_is_fused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("preimage.representations.descriptor.has_numba", lambda: False)
    hog = HOG()
    assert hog.fused() is hog
    assert hog(torch.rand(1, 1, 24, 24)).shape == (1, 27, 3, 3)
