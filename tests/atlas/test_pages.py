"""Pages: all links resolve, nothing leaves the site, and no name becomes markup."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.atlas.sites import build, inversion, keep, links, maximization, tags
from tests.judges import JUDGE

from preimage.atlas import data
from preimage.atlas.gather import gather
from preimage.atlas.media import Media
from preimage.atlas.options import Options
from preimage.atlas.pages import depth_frames, format_number, overview, write_pages
from preimage.studies.loader import Loader
from preimage.studies.trial import Trial

HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("atlas") / "site"
    build(folder)
    return folder


def _target(page: Path, link: str) -> Path:
    """The file that a link of a page leads to."""
    address = link.partition("#")[0]
    return (page.parent / address if address else page).resolve()


def _pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def test_every_link_leads_to_a_file_inside(site: Path) -> None:
    pages = _pages(site)
    assert len(pages) > 12
    for page in pages:
        for link in links(page):
            target = _target(page, link)
            assert target.is_relative_to(site.resolve()), link
            assert target.is_file(), link


def test_every_page_is_reached_from_the_first(site: Path) -> None:
    reached, left = set(), [site / "index.html"]
    while left:
        page = left.pop().resolve()
        if page in reached or page.suffix != ".html":
            continue
        reached.add(page)
        left += [_target(page, link) for link in links(page)]
    assert reached == {page.resolve() for page in _pages(site)}


def test_pages_hold_no_inline_script_style_or_outside_address(site: Path) -> None:
    for page in _pages(site):
        text = page.read_text()
        assert "default-src 'none'" in text
        assert "<style" not in text
        assert " style=" not in text
        assert " onclick=" not in text
        assert "http://" not in text
        assert "https://" not in text
        scripts = [tag for tag in text.split("<script")[1:] if not tag.startswith(" src=")]
        assert all(tag.startswith(' type="application/json"') for tag in scripts)


def test_every_picture_has_a_text_in_its_place(site: Path) -> None:
    for page in _pages(site):
        for tag in page.read_text().split("<img")[1:]:
            inside = tag.partition(">")[0]
            assert 'alt="' in inside
            assert 'alt=""' not in inside or "icon.svg" in inside


def test_a_channel_has_its_numbers_names_and_photos(site: Path) -> None:
    (page,) = site.glob("*/conv1/2.html")
    text = page.read_text()
    for words in ("M, the largest to photos", "receptive field", f"By {JUDGE}", "barracouta",
                  "seed 1", "Photos that excite it most", "Most similar channels",
                  "--channels 2 --seed 0", "Unlike each other", "diversity 5"):  # fmt: skip
        assert words in text


def test_a_layer_has_its_channels_inversions_and_caricatures(site: Path) -> None:
    (page,) = site.glob("*/conv1/index.html")
    text = page.read_text()
    assert text.count('class="card"') == 4
    assert text.count("<figcaption>C 20") == 2
    assert text.count("<figcaption>strength") == 2
    assert "Error of inversions of conv1 by C" in text
    assert "Error of inversions by layer" in text


def test_a_class_with_the_name_of_a_tag_is_text(site: Path) -> None:
    (page,) = site.glob("*/score/1-class.html")
    assert "Class &lt;b&gt;cat&lt;/b&gt;" in page.read_text()
    assert "<b>cat" not in page.read_text()


def _write(folder: Path, trials: list[Trial]) -> Path:
    with keep(folder / "store", trials) as store:
        records = store.records("a")
    site = folder / "in" / "site"
    atlas = gather(records, Loader(), Media(site), Options(folder / "kept", ()))
    for model in atlas.models:
        for layer in model.layers:
            for channel in layer.channels:
                channel.pictures = [
                    data.Picture(p.image, p.trial, p.measures, ((HOSTILE, 0.5),))
                    for p in channel.pictures
                ]
    write_pages(site, atlas)
    return site


@pytest.mark.filterwarnings("ignore:.*its pages lack what needs it")
def test_a_network_is_compared_with_the_others(tmp_path: Path) -> None:
    site = _write(tmp_path, [maximization("net/conv"), maximization("other/conv")])
    pair = "../compare.html#a=net/index.html&b=other/index.html"
    assert pair in links(site / "net/index.html")


@pytest.mark.filterwarnings("ignore:.*its pages lack what needs it")
def test_hostile_names_neither_leave_the_site_nor_become_markup(tmp_path: Path) -> None:
    trials = [
        maximization(f"{network}/{layer}", class_name=name, weights=weights, weights_sha256="0")
        for network, layer in (("../../x", ".."), (HOSTILE, HOSTILE.replace("/", "")), ("a", "b"))
        for name, weights in ((HOSTILE, None), (None, "/etc/passwd"), ("cat", HOSTILE))
    ]
    trials += [inversion(photo=f"{HOSTILE.replace('/', '')}.png", weight=w) for w in (1, 2)]
    site = _write(tmp_path, trials)
    assert {p.name for p in (tmp_path / "in").iterdir()} == {"site"}
    for page in _pages(site):
        assert "alert(1)</script>" not in page.read_text()
        assert tags(page).count("script") <= 1 + page.read_text().count('id="frames"')
        for link in links(page):
            assert _target(page, link).is_relative_to(site), link
            assert ":" not in link


def test_what_would_not_change_is_not_written_again(tmp_path: Path) -> None:
    site = _write(tmp_path, [inversion(), inversion("dsift")])
    for path in site.rglob("*.*"):
        os.utime(path, (1, 1))
    (site / "classical/hog/index.html").write_text("old")
    _write(tmp_path, [inversion(), inversion("dsift")])
    times = {path.name: path.stat().st_mtime for path in site.rglob("*.*")}
    new = [p.relative_to(site) for p in site.rglob("*.*") if p.stat().st_mtime != 1]
    assert new == [Path("classical/hog/index.html")], times


def test_the_depth_slider_goes_from_the_photo_through_the_layers(tmp_path: Path) -> None:
    trials = [inversion(name, weight=w) for name in ("hog", "dsift") for w in (1, 20, 100)]
    with keep(tmp_path / "store", trials) as store:
        records = store.records("a")
    model = gather(records, Loader(), Media(tmp_path), Options(tmp_path, ())).classical
    assert model is not None
    (photo,) = depth_frames(model)
    assert photo["name"] == "cat"
    assert [f["caption"] for f in photo["frames"]] == [
        "hog, C 20, error 25.0 %", "dsift, C 20, error 25.0 %",
    ]  # fmt: skip
    assert overview(model) == []


def test_unknown_numbers_are_dashes() -> None:
    assert format_number(None) == "-"
