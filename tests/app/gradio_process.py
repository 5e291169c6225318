"""Gradio in a process of its own, because what it leaves open would fail later tests."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest

_SERVE = """
import json, sys
from preimage.app import AppOptions, build
from preimage.app.choices import Choices
from preimage.app.runs import Runs
for line in sys.stdin:
    names = globals().copy()
    exec(json.loads(line), names)
    print("found", json.dumps(names["found"]), flush=True)
"""


@functools.cache
def _process() -> subprocess.Popen[str]:
    """The process, which ends with that of the tests, since its input then closes."""
    return subprocess.Popen(
        [sys.executable, "-c", _SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def answer(code: str) -> Any:
    """The value that `code` gives to `found`, sent as JSON; skips without Gradio."""
    if find_spec("gradio") is None:
        pytest.skip("Gradio is missing: run `make test-browser`")
    process = _process()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(code) + "\n")
    process.stdin.flush()
    for line in process.stdout:
        word, _, value = line.partition(" ")
        if word == "found":
            return json.loads(value)
    raise AssertionError("the process has ended: its error is above")
