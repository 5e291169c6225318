"""Progress of visualizations: bars in notebooks and terminals, and functions of the caller."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from preimage.extras import install_command
from preimage.objective import Energy
from preimage.optimizer import Progress
from preimage.photo_files import shipped_photos
from preimage.presets import NNPREIMAGE
from preimage.representations.hog import HOG
from preimage.visualizations import invert
from preimage.visualizations.progress_bar import watched

PHOTO = shipped_photos()["chelsea"]
SHORT = NNPREIMAGE.replace(iterations=3, final_iterations=1)


def _run(**options: Any) -> torch.Tensor:
    return invert(HOG(), PHOTO, size=(32, 32), settings=SHORT, **options).images


def test_scripts_are_silent_unless_a_bar_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm", reason="tqdm is missing")
    images = _run()
    assert torch.equal(_run(progress=None), images)
    assert capsys.readouterr().err == ""
    assert torch.equal(_run(progress="bar"), images)
    told = capsys.readouterr().err
    assert "invert hog: 100%" in told
    assert "3/3" in told
    assert "energy" in told


def test_the_bar_of_a_run_that_ends_early_is_closed(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm", reason="tqdm is missing")
    energy = Energy(*(torch.ones(1) for _ in range(4)))
    with watched("bar", "a run") as report:
        assert report is not None
        report(Progress(1, 4, energy, torch.zeros(1, 1, 2, 2)))
    told = capsys.readouterr().err
    assert "1/4" in told
    assert told.endswith("\n")


def test_marimo_draws_its_own_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []

    @contextmanager
    def bar(total: int, title: str) -> Iterator[Any]:
        told.append((total, title))
        yield SimpleNamespace(update=lambda new, subtitle: told.append((new, subtitle[:6])))
        told.append("closed")

    marimo = SimpleNamespace(
        running_in_notebook=lambda: True, status=SimpleNamespace(progress_bar=bar)
    )
    monkeypatch.setitem(sys.modules, "marimo", marimo)
    _run()
    assert (told[0], told[-1]) == ((3, "invert hog"), "closed")
    assert sum(new for new, _ in told[1:-1]) == 3
    assert {words for _, words in told[1:-1]} == {"energy"}
    told.clear()
    _run(progress=None)
    assert not told


@pytest.mark.parametrize("wrong", ["tqdm", "none"])
def test_another_word_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=f'"auto", "bar", None or a function, not {wrong!r}'):
        _run(progress=wrong)


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(TypeError, match="None or a function, not True"):
        _run(progress=True)


def test_a_bar_without_tqdm_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("preimage.visualizations.progress_bar.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=re.escape(f"needs tqdm: {install_command('notebook')}")):
        _run(progress="bar")


def test_a_notebook_shows_progress_and_grid() -> None:
    for name in ("nbclient", "nbformat", "ipykernel", "tqdm"):
        pytest.importorskip(name, reason=f'{name} is missing: pip install -e ".[dev]"')
    import nbclient
    import nbformat

    cells = [
        "import preimage\n"
        "run = dict(size=(32, 32), quality='draft')\n"
        f"preimage.invert(preimage.HOG(), {str(PHOTO)!r}, snapshot_every=9, **run)",
        f"preimage.invert(preimage.HOG(), {str(PHOTO)!r}, progress=None, **run).show()",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    (progress, slider), (grid,) = (cell.outputs for cell in notebook.cells)
    words = progress.get("text") or progress["data"]["text/plain"]
    assert "invert hog" in words
    assert "/20" in words
    assert "<iframe" in slider["data"]["text/html"]
    assert "text/html" not in grid["data"]
    assert grid["data"]["image/png"]
