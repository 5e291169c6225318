from __future__ import annotations

import importlib

import pytest
from tests.cli.runner import run

from preimage.extras import install_command


def test_help_names_the_options() -> None:
    outcome = run("app", "--help")
    assert outcome.status == 0
    assert all(name in " ".join(outcome.output) for name in ("--network", "--host", "--port"))


def test_an_unknown_network_is_one_line() -> None:
    outcome = run("app", "--network", "vgg-x")
    assert (outcome.status, outcome.output) == (2, [])
    assert len(outcome.errors) == 1
    assert outcome.errors[0].startswith("error: unknown network 'vgg-x'")


def test_a_missing_gradio_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.import_module

    def missing(name: str, package: str | None = None) -> object:
        if name != "gradio":  # an older pydantic imports its own parts in this way
            return found(name, package)
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(importlib, "import_module", missing)
    outcome = run("app")
    assert outcome.status == 2
    assert outcome.output == ["starting, which takes some seconds"]
    assert outcome.errors == [
        f"error: the app needs Gradio (No module named 'gradio'): {install_command('app')}"
    ]
