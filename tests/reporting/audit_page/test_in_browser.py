"""The page of an audit in headless Chromium: light, dark, narrow, and printed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.browser import serious_faults, wait_until, watched
from tests.reporting.audit_page.audits import audit, store_audit

from preimage.reporting.audit_page import write_page


@pytest.fixture(scope="module", params=["store", "layers"])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a page of stored vectors, and of one of seven layers."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    layers = tuple(f"net/a.long.name.of.a.layer.{n}" for n in range(7))
    found = store_audit(folder) if request.param == "store" else audit(folder, layers)
    return write_page(folder, found).as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_pictures_are_shown_and_nothing_else_is_asked_for(
    browser: Any, address: str, scheme: str
) -> None:
    with watched(browser, inside=address, color_scheme=scheme) as page:
        page.goto(address)
        page.evaluate("for (const image of document.images) image.loading = 'eager'")
        wait_until(page, "[...document.images].every((image) => image.naturalWidth > 0)")
        assert serious_faults(page) == []


@pytest.mark.parametrize("width", [320, 390, 800])
def test_no_page_is_wider_than_the_screen(browser: Any, address: str, width: int) -> None:
    with watched(browser, inside=address, viewport={"width": width, "height": 800}) as page:
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_dark_reader_prints_on_white(browser: Any, address: str) -> None:
    with watched(browser, inside=address, color_scheme="dark") as page:
        page.goto(address)
        color = "getComputedStyle(document.body).backgroundColor"
        assert page.evaluate(color) != "rgb(255, 255, 255)"
        page.emulate_media(media="print")
        assert page.evaluate(color) == "rgb(255, 255, 255)"
