"""The guarded app in Chromium: its policy, refused files, and a tab that is closed during a run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.app.served import Served, served


@pytest.fixture(scope="module")
def app() -> Iterator[Served]:
    with served() as running:
        yield running


def _opened(browser: Any, app: Served) -> tuple[Any, list[str]]:
    """A page of the app, and what the browser says about its policy and other places."""
    page, wrong = browser.new_page(), []
    page.on("console", lambda m: wrong.append(m.text) if "Security" in m.text else None)
    page.on("request", lambda r: None if r.url.startswith(app.address) else wrong.append(r.url))
    page.goto(app.address)
    page.get_by_role("button", name="Start", exact=True).wait_for()
    return page, [text for text in wrong if not text.startswith(("data:", "blob:"))]


def _first_picture(page: Any) -> float:
    """Press Start, and return the seconds until a run shows what it does."""
    before = time.monotonic()
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_text("Step ").first.wait_for(timeout=60_000)
    return time.monotonic() - before


def test_a_tab_that_is_closed_during_a_run_frees_its_worker(browser: Any, app: Served) -> None:
    page, wrong = _opened(browser, app)
    usual = _first_picture(page)
    page.close()
    other, _ = _opened(browser, app)
    assert _first_picture(other) < usual + 10
    other.close()
    assert wrong == []


def test_a_file_that_is_no_photo_gives_a_message(browser: Any, app: Served, tmp_path: Path) -> None:
    page, _ = _opened(browser, app)
    program = tmp_path / "photo.png"
    program.write_bytes(b"\x7fELF" + bytes(900))
    page.locator("input[type=file]").first.set_input_files(program)
    page.get_by_text("photo.png: not a photo: give a PNG, JPEG").wait_for(timeout=20_000)
    page.close()
