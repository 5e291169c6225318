"""The page of a sheet in headless Chromium: light, dark, narrow, printed, and its films."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.browser import serious_faults, wait_until, watched
from tests.reporting.sheet.sheets import sheet

from preimage.reporting.sheet import write_sheet


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder: Path = tmp_path_factory.mktemp("sheet")
    write_sheet(folder / "sheet.html", sheet(folder))
    return (folder / "sheet.html").as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_pictures_are_shown_and_nothing_else_is_asked_for(
    browser: Any, address: str, scheme: str
) -> None:
    with watched(browser, inside=address, color_scheme=scheme) as page:
        page.goto(address)
        page.evaluate(
            "for (const details of document.querySelectorAll('details')) details.open = 1"
        )
        wait_until(page, "[...document.images].every((image) => image.naturalWidth > 0)")
        assert serious_faults(page) == []


def test_the_keyboard_shows_a_film_in_place_of_its_picture(browser: Any, address: str) -> None:
    with watched(browser, inside=address) as page:
        page.goto(address)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        shot = page.locator(".shot:has(details[open])")
        assert shot.count() == 1
        still, film = shot.locator("img").all()
        assert film.is_visible()
        assert film.bounding_box() == still.bounding_box()
        page.keyboard.press("Enter")
        assert page.locator("details[open]").count() == 0


@pytest.mark.parametrize("width", [320, 390, 800, 1440])
def test_no_page_is_wider_than_the_screen(browser: Any, address: str, width: int) -> None:
    with watched(browser, inside=address, viewport={"width": width, "height": 800}) as page:
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_prints_on_one_white_page_without_films(browser: Any, address: str) -> None:
    with watched(browser, inside=address, color_scheme="dark") as page:
        page.goto(address)
        pdf = page.pdf(prefer_css_page_size=True)
        assert pdf.count(b"/Type /Page\n") == 1
        page.emulate_media(media="print")
        color = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert color == "rgb(255, 255, 255)"
        assert page.locator("summary >> visible=true").count() == 0
