"""The live app in headless Chromium."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops
from tests.app.served import served
from tests.app.test_task import photo
from tests.browser import serious_faults, wait_until, watched

import preimage
from preimage.models.efficientnet_lite import find_weight_file
from preimage.photo_files import shipped_photos

LONG = "2000"
"""Steps of a run that a test stops."""


@pytest.fixture(scope="module")
def address(browser: Any) -> Iterator[str]:
    """The address of an app with two workers."""
    with served("--workers", "2") as app:
        yield app.address


def _open(page: Any, address: str) -> None:
    page.set_default_timeout(15_000)
    page.goto(address)
    page.get_by_role("button", name="Start").wait_for()


def _fill(page: Any, **fields: str) -> None:
    """Opens the further settings and fills some of them."""
    page.get_by_role("button", name="More settings").click()
    for name, value in fields.items():
        page.locator(f"#field-{name}").locator("input, textarea").fill(value)


def _start(page: Any) -> None:
    page.get_by_role("button", name="Start").click()


def _count_frames(page: Any) -> None:
    """Counts the steps that the page shows from now on."""
    page.evaluate(
        "window.seen = new Set(); new MutationObserver(() => {"
        "const bar = document.querySelector('progress'); if (bar) seen.add(bar.value) }"
        ").observe(document.body, {subtree: true, childList: true, attributes: true})"
    )


def _recipes(page: Any) -> str:
    """The command line and the lines of Python that the page shows."""
    return " ".join(page.locator(".cm-content").all_inner_texts())


def _wait_for_end(page: Any, words: str = "Done") -> str:
    text = "document.querySelector('p.status, p.error')?.innerText"
    wait_until(page, f"{text}?.startsWith({words!r})", seconds=60)
    return str(page.evaluate(text))


def test_a_photo_is_inverted_watched_and_downloaded(
    browser: Any, address: str, tmp_path: Path
) -> None:
    with watched(browser, address) as page:
        _open(page, address)
        _count_frames(page)
        _start(page)
        assert "60 steps" in _wait_for_end(page)
        assert page.evaluate("seen.size") >= 5
        assert page.locator(".pictures figure").count() >= 2
        assert "error" in page.inner_text(".pictures figcaption >> nth=-1")
        line = "preimage invert chelsea.jpg --rep hog --size 320 --threads 1"
        assert line in _recipes(page)
        page.get_by_role("button", name="Files to take along").click()
        files = []
        for name in ("chelsea.hog.png", "chelsea.hog.json"):
            with page.expect_download() as download:
                page.locator(f"a[download='{name}']").click()
            download.value.save_as(tmp_path / name)
            files.append(tmp_path / name)
    phi = preimage.representation("hog")
    one = preimage.Execution(threads=1)
    result = preimage.invert(phi, shipped_photos()["chelsea"], size=320, execution=one)
    with Image.open(files[0]) as saved:
        assert ImageChops.difference(saved, result.to_pil()).getbbox() is None
    assert json.loads(files[1].read_text())["error"] == result.describe()["error"]


def test_a_run_stops_and_goes_on(browser: Any, address: str) -> None:
    with watched(browser, address) as page:
        _open(page, address)
        _fill(page, steps=LONG)
        _count_frames(page)
        _start(page)
        wait_until(page, "seen.size >= 5")
        page.get_by_role("button", name="Stop").click()
        done = int(_wait_for_end(page, "Stopped after").split()[2])
        assert 0 < done < int(LONG)
        assert page.locator(".pictures figure").count() == 3
        assert "--start chelsea.hog.npz" in _recipes(page)
        page.evaluate("seen.clear()")
        page.get_by_role("button", name="Go on").click()
        wait_until(page, "seen.size >= 5")
        page.get_by_role("button", name="Stop").click()
        assert _wait_for_end(page, "Stopped after")


def test_own_photos_are_taken(browser: Any, address: str, tmp_path: Path) -> None:
    own = tmp_path / "mine.png"
    own.write_bytes(photo().data)
    of_gradio = "Method not implemented."  # it closes its stream of the upload's progress so
    with watched(browser, address, allowed=of_gradio) as page:
        _open(page, address)
        page.set_input_files("input[type=file]", own)
        page.get_by_alt_text("photo mine").first.wait_for()
        _fill(page, steps="3")
        _start(page)
        assert _wait_for_end(page)
        assert "preimage invert mine.png" in _recipes(page)


def test_seeds_and_c_stand_side_by_side_and_are_kept_for_comparison(
    browser: Any, address: str
) -> None:
    with watched(browser, address) as page:
        _open(page, address)
        _fill(page, steps="3", seeds="2", loss_weights="1, 300", size="64")
        _start(page)
        assert _wait_for_end(page)
        words = page.locator(".results figcaption").all_inner_texts()
        assert [text.partition(":")[0] for text in words[1:]] == [
            "hog, seed 0, C 1", "hog, seed 1, C 1", "hog, seed 0, C 300", "hog, seed 1, C 300",
        ]  # fmt: skip
        page.get_by_role("button", name="Keep for comparison").click()
        wait_until(page, "document.querySelectorAll('.kept figure').length === 4")


@pytest.mark.skipif(find_weight_file("efficientnet-lite0") is None, reason="no network is here")
def test_a_layer_and_a_class_are_chosen_from_lists(browser: Any, address: str) -> None:
    with watched(browser, address) as page:
        _open(page, address)
        page.locator("#field-model input").click()
        page.get_by_role("option", name="efficientnet-lite0").click()
        page.locator("#field-layer input").click()
        page.get_by_role("option", name="blocks.5: sees").click()
        page.get_by_text("Maximize:").click()
        page.get_by_label("classes", exact=True).click()
        page.locator("#field-classes input").fill("goose")
        page.get_by_role("option", name="goose").first.click()
        _fill(page, steps="2", size="64")
        _start(page)
        assert _wait_for_end(page)
        assert "goose: response" in page.inner_text(".results")
        line = (
            "preimage maximize efficientnet-lite0 --classes goose --steps 2 --size 64 --threads 1"
        )
        assert line in _recipes(page)


def test_two_visitors_are_served_a_third_waits_and_a_closed_tab_makes_room(
    browser: Any, address: str
) -> None:
    with (
        watched(browser, address) as first,
        watched(browser, address) as second,
        watched(browser, address) as third,
    ):
        for page in (first, second, third):
            _open(page, address)
            _fill(page, steps=LONG, size="64")
            _count_frames(page)
        for page in (first, second):
            _start(page)
        for page in (first, second):
            wait_until(page, "seen.size >= 2")
        _start(third)
        third.get_by_text("queue: 1/1").wait_for()
        assert third.evaluate("seen.size") == 0
        first.close()
        wait_until(third, "seen.size >= 2")
        assert second.get_by_role("button", name="Stop").is_enabled()
        for page in (second, third):
            page.get_by_role("button", name="Stop").click()
            assert _wait_for_end(page, "Stopped after")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_fault_of_accessibility_at_any_width(
    browser: Any, address: str, width: int, scheme: str
) -> None:
    options = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    with watched(browser, address, **options) as page:
        _open(page, address)
        _fill(page, steps="3")
        _start(page)
        assert _wait_for_end(page)
        page.get_by_role("button", name="Files to take along").click()
        assert serious_faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_keyboard_alone_makes_a_picture(browser: Any, address: str) -> None:
    with watched(browser, address) as page:
        _open(page, address)
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.innerText") == "Start":
                break
        page.keyboard.press("Enter")
        assert _wait_for_end(page)
