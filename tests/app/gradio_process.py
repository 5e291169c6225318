"""Gradio in a process of its own, because what it leaves open would fail later tests."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest

_START = """
import json
from preimage.app import AppOptions, build
from preimage.app.choices import Choices
from preimage.app.runs import Runs
"""


def answer(code: str) -> Any:
    """The value that `code` gives to `found`, sent as JSON; skips without Gradio."""
    if find_spec("gradio") is None:
        pytest.skip("Gradio is missing: run `make test-browser`")
    done = subprocess.run(
        [sys.executable, "-c", f"{_START}\n{code}\nprint(json.dumps(found))"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
