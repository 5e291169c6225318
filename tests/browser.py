"""A headless Chromium for tests, or the reason why there is none: see `make test-browser`."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
_SERIOUS = ("serious", "critical")


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser of Playwright; skips the test if Playwright or Chromium is missing."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is missing: run `make test-browser`"
    )
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("Chromium is missing: run `make test-browser`")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def watched(browser: Any, inside: str, allowed: Any = "", **options: Any) -> Iterator[Any]:
    """A page that must print no error and ask for nothing outside addresses with this start.

    One text is `allowed`, which a library prints.
    """
    context = browser.new_context(**options)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda m: _note_message(m, allowed, wrong))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("requestfailed", lambda request: _note_failure(request, wrong))
    page.on("request", lambda r: None if r.url.startswith(inside) else wrong.append(r.url))
    try:
        yield page
        assert not wrong, wrong
    finally:
        context.close()


def _note_message(message: Any, allowed: str, wrong: list[str]) -> None:
    """Notes an error or a warning of the page."""
    if message.type in ("error", "warning") and message.text != allowed:
        wrong.append(message.text)


def _note_failure(request: Any, wrong: list[str]) -> None:
    """Notes a request that failed, unless its page was left before the answer."""
    if "ERR_ABORTED" not in str(request.failure):
        wrong.append(f"failed: {request.url} {request.failure}")


def wait_until(page: Any, expression: str, seconds: float = 20) -> None:
    """Waits until an expression is true; Playwright's own wait runs afoul of the page's policy."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, expression
        page.wait_for_timeout(20)


def serious_faults(page: Any) -> list[str]:
    """Serious faults of accessibility that axe-core finds, each with its places."""
    package = pytest.importorskip("axe_playwright_python", reason="axe-core is missing")
    script = (Path(package.__file__).parent / "axe.min.js").read_text()
    session = page.context.new_cdp_session(page)  # the page's own policy forbids added scripts
    session.send("Runtime.evaluate", {"expression": script})
    violations = page.evaluate(
        "axe.run({iframes: false, preload: false}).then((found) => found.violations)"
    )
    return [
        f"{one['id']}: {node['html'][:200]} {node.get('failureSummary', '')}"
        for one in violations
        if one["impact"] in _SERIOUS
        for node in one["nodes"][:3]
    ]
