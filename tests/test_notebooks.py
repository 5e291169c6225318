"""Notebooks are recognized, and a slider chooses among pictures."""

from __future__ import annotations

import html
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from preimage.notebooks import display, is_notebook, slider_html
from tests.browser import chromium, watched

FRAMES = [(f"step {n}", Image.new("RGB", (30, 20), (50 * n, 0, 0))) for n in range(4)]


@pytest.fixture
def _plain_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    monkeypatch.delitem(sys.modules, "marimo", raising=False)


def _with_ipython(monkeypatch: pytest.MonkeyPatch, shell: object, shown: list[object]) -> None:
    def show(it: object) -> None:
        shown.append(it)

    displaying = SimpleNamespace(display=show)
    ipython = SimpleNamespace(get_ipython=lambda: shell, display=displaying)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", displaying)


@pytest.mark.usefixtures("_plain_python")
def test_only_a_shell_with_a_kernel_is_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_notebook()
    for shell in (None, SimpleNamespace()):  # not running; in a terminal
        _with_ipython(monkeypatch, shell, [])
        assert not is_notebook()
    shown: list[object] = []
    _with_ipython(monkeypatch, SimpleNamespace(kernel="Jupyter's"), shown)
    assert is_notebook()
    display(3)
    assert shown == [3]


@pytest.mark.usefixtures("_plain_python")
def test_marimo_is_a_notebook_while_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[object] = []
    for running in (False, True):
        marimo = SimpleNamespace(
            running_in_notebook=lambda running=running: running,
            output=SimpleNamespace(append=shown.append),
        )
        monkeypatch.setitem(sys.modules, "marimo", marimo)
        assert is_notebook() is running
    display(3)
    assert shown == [3]


def test_a_slider_fetches_nothing_and_escapes_what_it_is_given() -> None:
    text = slider_html([("</script>", picture) for _, picture in FRAMES], '"<photo>')
    page = html.unescape(text.split('srcdoc="')[1].split('"')[0])
    assert page.count("</script>") == 1
    assert "http" not in page
    assert "<photo>" not in page


def test_a_slider_changes_the_picture_and_says_its_step(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    page_of: Any
    path.write_text(
        f'<!doctype html><html lang="en"><title>p</title>{slider_html(FRAMES, "a photo")}'
    )
    with chromium() as browser, watched(browser, path.as_uri()) as page_of:
        page_of.goto(path.as_uri())
        frame = page_of.frames[1]
        slider, picture = frame.locator("input"), frame.locator("img")
        assert (frame.locator("output").inner_text(), slider.input_value()) == ("step 3", "3")
        last = picture.get_attribute("src")
        slider.press("ArrowLeft")
        assert frame.locator("output").inner_text() == "step 2"
        assert picture.get_attribute("src") != last
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 30
