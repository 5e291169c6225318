"""The caches of other libraries, empty."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

# No tests: as one, it would stay half imported where transformers is missing.
collect_ignore = ["hf_networks.py"]


@pytest.fixture(autouse=True)
def empty_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    if find_spec("huggingface_hub"):
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
