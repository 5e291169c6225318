"""The pages "Layers" and "Tour" of the app in headless Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.app.served import served
from tests.atlas.sites import TINY
from tests.browser import serious_faults, wait_until, watched

_SOURCES = "[...document.querySelectorAll('.walk img')].map((image) => image.src)"


@pytest.fixture(scope="module")
def address(browser: Any) -> Iterator[str]:
    """The address of an app with a small network."""
    with served("--network", TINY) as app:
        yield app.address


def _open(page: Any, address: str, tab: str) -> None:
    page.goto(address)
    page.get_by_role("tab", name=tab).click()


def _go(page: Any, address: str, layers: int = 4) -> None:
    """Goes through the layers of the small network."""
    _open(page, address, "Layers")
    page.get_by_role("radio", name=str(layers), exact=True).check()
    page.get_by_role("button", name="Go through the layers").click()
    wait_until(page, "document.body.innerText.includes('Done: drag the slider.')", seconds=60)


def test_the_slider_goes_from_the_photo_to_the_last_layer(browser: Any, address: str) -> None:
    with watched(browser, address) as page:
        _go(page, address)
        dial = page.locator(".dial input")
        assert page.locator(".stops button").all_inner_texts() == [
            "photo", "conv1", "conv2", "pool", "score",
        ]  # fmt: skip
        assert dial.get_attribute("aria-valuetext") == "score"
        assert page.inner_text(".walk h3") == "What 3 responses without a place still tell"
        last = page.evaluate(_SOURCES)
        dial.focus()
        page.keyboard.press("Home")
        assert page.inner_text(".walk h3") == "The photo as the network gets it"
        page.keyboard.press("ArrowRight")
        assert dial.get_attribute("aria-valuetext") == "conv1"
        assert page.inner_text(".walk h3") == "What 12 x 12 responses of this layer still tell"
        assert page.inner_text(".walk figcaption").endswith("what differs from the photo.")
        assert page.evaluate(_SOURCES) != last
        page.locator(".stops button").last.press("Enter")
        assert page.evaluate(_SOURCES) == last


def test_a_layer_of_the_table_is_chosen_on_the_first_page(browser: Any, address: str) -> None:
    with watched(browser, address) as page:
        _open(page, address, "Layers")
        page.get_by_role("button", name="conv2", exact=True).press("Enter")
        wait_until(
            page,
            "document.querySelector('[role=tab][aria-selected=true]').innerText === 'Visualize'",
        )
        assert page.get_by_label("Representation").input_value() == TINY
        page.wait_for_timeout(1000)
        assert page.get_by_label("Layer", exact=True).input_value().startswith("conv2")


def test_a_second_photo_stands_beside_the_first(browser: Any, address: str) -> None:
    with watched(browser, address) as page:
        _open(page, address, "Layers")
        page.get_by_role("button", name="A second photo beside it").click()
        page.locator("fieldset", has_text="Second photo").get_by_text("coffee").click()
        page.get_by_alt_text("photo coffee").wait_for()
        page.get_by_role("button", name="Go through the layers").click()
        wait_until(page, "document.body.innerText.includes('Done: drag the slider.')", seconds=60)
        first, second = page.evaluate(_SOURCES)
        assert first != second
        alts = [image.get_attribute("alt") for image in page.locator(".walk img").all()]
        assert alts == ["chelsea.jpg, from score", "coffee.jpg, from score"]


def test_the_first_step_of_the_tour_shows_what_hog_keeps(browser: Any, address: str) -> None:
    with watched(browser, address) as page:
        _open(page, address, "Tour")
        page.get_by_role("button", name="Show step 1").click()
        page.get_by_text("What 30 x 40 cells of HOG still tell").wait_for()
        assert page.get_by_alt_text("nearly the photo's code").count() == 1
        answer = page.get_by_text("The light is lost")
        assert not answer.is_visible()
        page.get_by_role("button", name="One answer").first.press("Enter")
        answer.wait_for()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_fault_of_accessibility_or_is_too_wide(
    browser: Any, address: str, width: int, scheme: str
) -> None:
    options = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    with watched(browser, address, **options) as page:
        _go(page, address)
        assert serious_faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.get_by_role("tab", name="Tour").click()
        page.get_by_role("button", name="Show step 1").wait_for()
        assert serious_faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_keyboard_alone_goes_through_the_layers(browser: Any, address: str) -> None:
    focused = "document.activeElement"
    with watched(browser, address) as page:
        _open(page, address, "Layers")
        page.locator("button[data-layer]").first.wait_for()
        page.get_by_role("tab", name="Layers").focus()
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate(f"{focused}.innerText") == "Go through the layers":
                break
        page.keyboard.press("Enter")
        wait_until(page, "document.body.innerText.includes('Done: drag the slider.')", seconds=60)
        for _ in range(10):
            page.keyboard.press("Tab")
            if page.evaluate(f"{focused}.type") == "range":
                break
        before = page.evaluate(_SOURCES)
        page.keyboard.press("ArrowLeft")
        assert page.evaluate(_SOURCES) != before
