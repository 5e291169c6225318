"""An atlas in headless Chromium, from files and from a static server."""

from __future__ import annotations

import functools
import http.server
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.atlas.many import MANY, write_many
from tests.atlas.sites import build, inversion, keep
from tests.browser import serious_faults, wait_until, watched
from tests.study_files import MEASURES

from preimage.atlas.data import Atlas, Layer, Model, PhotoRow, Picture
from preimage.atlas.data import Image as Shown
from preimage.atlas.gather import gather
from preimage.atlas.media import Media
from preimage.atlas.options import Options
from preimage.atlas.pages import write_pages
from preimage.studies.loader import Loader


@pytest.fixture(scope="module")
def site(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network's site, with descriptors beside it."""
    folder = tmp_path_factory.mktemp("atlas")
    trials = [inversion(name, photo_sha256=str(n)) for name in ("hog", "dsift") for n in (1, 2)]
    keep(folder / "site-store", trials, "descriptors").close()
    build(folder / "site")
    return folder / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, str]:
    """An address of each kind of page."""
    model = next(site.glob("import*")).name
    kinds = {"home": "index.html", "model": f"{model}/index.html"}
    kinds |= {"layer": f"{model}/conv1/index.html", "channel": f"{model}/conv1/1.html"}
    kinds |= {"class": f"{model}/score/1-class.html", "classical": "classical/index.html"}
    kinds["compare"] = f"compare.html#a={kinds['channel']}&b={model}/conv1/2.html"
    return kinds


def _shown(page: Any) -> bool:
    """Loads all pictures, those below the window too, and tells if each could be."""
    page.evaluate("for (const image of document.images) image.loading = 'eager'")
    page.evaluate("Promise.all([...document.images].map((image) => image.decode()))")
    return bool(page.evaluate("[...document.images].every((image) => image.naturalWidth > 0)"))


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_every_kind_of_page_opens_without_error_or_outside_request(
    browser: Any, site: Path, pages: dict[str, str], scheme: str
) -> None:
    handler = functools.partial(_Quiet, directory=str(site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    start = site.as_uri() if scheme == "file" else f"http://127.0.0.1:{server.server_port}"
    try:
        with watched(browser, start) as page:
            for address in pages.values():
                page.goto(f"{start}/{address}")
                assert _shown(page)
    finally:
        server.shutdown()
        server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_fault_of_accessibility_or_is_too_wide(
    browser: Any, site: Path, pages: dict[str, str], width: int, scheme: str
) -> None:
    options = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    with watched(browser, "file:", **options) as page:
        for kind, address in pages.items():
            page.goto(f"{site.as_uri()}/{address}")
            assert serious_faults(page) == [], kind
            assert page.evaluate("document.documentElement.scrollWidth") <= width, kind


def test_the_slider_changes_both_pictures(browser: Any, site: Path, pages: dict[str, str]) -> None:
    with watched(browser, "file:") as page:
        page.goto(f"{site.as_uri()}/{pages['model']}")
        sources = "[...document.querySelectorAll('.stage img')].map((image) => image.src)"
        first = page.evaluate(sources)
        page.focus("#dial")
        page.keyboard.press("ArrowRight")
        second = page.evaluate(sources)
        assert all(a != b for a, b in zip(first, second, strict=True))
        assert page.get_attribute("#dial", "aria-valuetext") == "conv1"
        assert "conv1, C 20" in page.inner_text(".stage figcaption")
        page.click(".stops button:last-child >> nth=-1")
        assert page.input_value("#dial") == page.get_attribute("#dial", "max")
        page.select_option(".stage select >> nth=0", "1")
        assert page.evaluate(sources)[0] == page.evaluate(sources)[1]


@pytest.mark.parametrize(
    ("query", "first"), [("conv1 channel 2", "/conv1/2.html"), ("<b>cat", "/score/1-class.html")]
)
def test_search_finds_channels_from_the_keyboard(
    browser: Any, site: Path, pages: dict[str, str], query: str, first: str
) -> None:
    with watched(browser, "file:") as page:
        page.goto(f"{site.as_uri()}/{pages['layer']}")
        page.keyboard.press("/")
        page.keyboard.type(query)
        page.wait_for_selector("#search-found li")
        assert page.get_attribute("#search", "aria-expanded") == "true"
        assert page.locator("#search-found b b").count() == 0
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert page.url.endswith(first)


def test_search_finds_the_names_that_a_judge_gives(
    browser: Any, site: Path, pages: dict[str, str]
) -> None:
    with watched(browser, "file:") as page:
        page.goto(f"{site.as_uri()}/{pages['home']}")
        page.fill("#search", "barracouta conv2")
        page.wait_for_selector("#search-found li")
        assert page.locator("#search-found li").count() == 4
        assert "barracouta" in page.inner_text("#search-found li >> nth=0")
        page.keyboard.press("Escape")
        assert page.is_hidden(".panel >> nth=0")


def test_a_layers_channels_are_sorted_and_filtered(
    browser: Any, site: Path, pages: dict[str, str]
) -> None:
    with watched(browser, "file:") as page:
        page.goto(f"{site.as_uri()}/{pages['layer']}")
        numbers = "[...document.querySelectorAll('#channels li')].map((item) => item.dataset)"
        page.select_option("#sort", "ratio")
        ratios = [float(item["ratio"]) for item in page.evaluate(numbers)]
        assert ratios == sorted(ratios, reverse=True)
        page.select_option("#sort", "rank")
        assert [item["rank"] for item in page.evaluate(numbers)] == ["0", "1", "2", "3"]
        page.fill("#filter", "channel 3")
        assert page.locator("#channels li:visible").count() == 1
        assert page.inner_text(".shown") == "1 of 4"


def test_arrows_go_from_channel_to_channel(browser: Any, site: Path, pages: dict[str, str]) -> None:
    with watched(browser, "file:") as page:
        page.goto(f"{site.as_uri()}/{pages['channel']}")
        for key, end in (
            ("ArrowRight", "2.html"),
            ("ArrowLeft", "1.html"),
            ("ArrowLeft", "0.html"),
        ):
            with page.expect_navigation():
                page.keyboard.press(key)
            assert page.url.endswith(end)


def test_the_keyboard_alone_reaches_everything(
    browser: Any, site: Path, pages: dict[str, str]
) -> None:
    reachable = "a[href], button, input, select, summary, [tabindex='0']"
    visible = f'[...document.querySelectorAll("{reachable}")].filter((e) => e.checkVisibility())'
    with watched(browser, "file:") as page:
        for kind in ("home", "model", "layer", "channel", "classical"):
            page.goto(f"{site.as_uri()}/{pages[kind]}")
            page.evaluate(f"window.left = new Set({visible})")
            count = page.evaluate("left.size")
            for _ in range(count + 5):
                page.keyboard.press("Tab")
                page.evaluate("left.delete(document.activeElement)")
            assert page.evaluate("[...left].map((e) => e.outerHTML)") == [], kind
        page.goto(f"{site.as_uri()}/{pages['layer']}")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_the_button_keeps_the_appearance(browser: Any, site: Path, pages: dict[str, str]) -> None:
    theme = "document.documentElement.dataset.theme"
    with watched(browser, "file:", color_scheme="light") as page:
        page.goto(f"{site.as_uri()}/{pages['home']}")
        assert page.evaluate(theme) == "light"
        page.click(".theme")
        assert page.evaluate(theme) == "dark"
        page.goto(f"{site.as_uri()}/{pages['layer']}")
        assert page.evaluate(theme) == "dark"
        assert page.get_attribute(".theme", "aria-pressed") == "true"


def test_two_pages_stand_side_by_side_by_address(
    browser: Any, site: Path, pages: dict[str, str]
) -> None:
    with watched(browser, "file:") as page:
        page.goto(f"{site.as_uri()}/{pages['compare']}")
        titles = [page.frame_locator("iframe").nth(n).locator("h1") for n in (0, 1)]
        assert [title.inner_text().split("\n")[0].strip() for title in titles] == [
            "Channel 1 of conv1", "Channel 2 of conv1",
        ]  # fmt: skip
        page.fill("#choose-b", "score class")
        page.wait_for_selector("#choose-b-found li")
        page.keyboard.press("Enter")
        wait_until(page, "location.hash.includes('1-class.html')")
        assert "cat" in titles[1].inner_text()


def _network(name: str, depth: int) -> Model:
    """A network of which one photo was inverted from so many layers."""
    photo = Shown("assets/icon.svg", "a photo", 24, 24)
    row = PhotoRow("cat", photo, [Picture(photo, inversion("hog"), MEASURES)])
    layers = [
        Layer(
            name=f"{name}/{n}", title=f"block {n}", address=f"{name}/{n}", channels=[],
            inversions=[row], caricatures=[],
        )
        for n in range(depth)
    ]  # fmt: skip
    return Model(name=name, address=name, layers=layers)


def test_the_sliders_of_two_networks_move_together(browser: Any, tmp_path: Path) -> None:
    write_pages(tmp_path, Atlas([_network("small", 2), _network("large", 4)], None))
    with watched(browser, "file:") as page:
        page.goto(f"{tmp_path.as_uri()}/small/index.html")
        with page.expect_navigation():
            page.click("text=Compare with large")
        small, large = (page.frame_locator("iframe").nth(n) for n in (0, 1))
        small.locator(".stops button").last.click()
        large.locator("#dial[aria-valuetext='block 3']").wait_for()
        large.locator(".stops button").nth(2).click()
        small.locator("#dial[aria-valuetext='block 0']").wait_for()


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "https://example.org/a/b.html", "//example.org/a.html", "../x.html",
     "a/../../x.html", "data:text/html,x", "a/%2e%2e/x.html"],
)  # fmt: skip
def test_only_pages_of_the_atlas_can_be_compared(browser: Any, site: Path, address: str) -> None:
    with watched(browser, "file:") as page:
        page.goto(f"{site.as_uri()}/compare.html#a={address}")
        assert page.locator("iframe[src]").count() == 0
        assert "Nothing is chosen yet." in page.inner_text("[data-side=a] .chosen")


def test_an_index_of_5000_channels_opens_filters_and_prints(browser: Any, tmp_path: Path) -> None:
    site = write_many(tmp_path / "many")
    with watched(browser, "file:") as page:
        page.goto(f"{site.as_uri()}/net/conv/index.html")
        page.evaluate("atlas.loadIndex()")
        assert page.evaluate("atlas.find('goose').length") == MANY // 5
        assert page.locator("#channels li").count() == 300
        page.locator("#more").scroll_into_view_if_needed()
        wait_until(page, "document.querySelectorAll('#channels li').length === 600")
        page.fill("#filter", "channel 4999")
        wait_until(page, "document.querySelectorAll('#channels li').length === 1")
        page.fill("#filter", "")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.locator("#channels li").count() == MANY


def test_names_from_outside_stay_text(browser: Any, tmp_path: Path) -> None:
    hostile = (
        '"><img src=x onerror=document.title="hacked"><script>document.title="hacked"</script>'
    )
    trials = [inversion("hog", photo=f"{hostile.replace('/', '')}.png")]
    with keep(tmp_path / "store", trials) as store:
        records = store.records("a")
    site = tmp_path / "site"
    write_pages(site, gather(records, Loader(), Media(site), Options(tmp_path / "kept", ())))
    with watched(browser, "file:") as page:
        page.goto(f"{site.as_uri()}/classical/index.html")
        assert page.title() == "Classical descriptors \N{EN DASH} Atlas"
        assert "onerror" in page.inner_text("main")
