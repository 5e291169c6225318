"""The page of an audit: every number, nothing from outside, and names that cannot do harm."""

from __future__ import annotations

import dataclasses
import itertools
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.reporting.audit_page.audits import BAD, STORE, audit, store_audit
from tests.reporting.planted_defenses import planted

from preimage.audit.advice import advise
from preimage.audit.own_photos import NEAREST_PHOTO
from preimage.audit.result import Audit
from preimage.audit.verdict import Verdict
from preimage.reporting.audit_page import write_page
from preimage.reporting.defenses import in_words, rows, write_defenses
from preimage.reporting.verdicts import format_estimate

_VOID = {"meta", "img", "br", "line", "circle", "link"}
CASES: dict[str, dict[str, Any]] = {
    "one": {},
    "several": {"layers": ("net/conv1", "net/conv2"), "attacks": ("inversion", "decoder")},
    "no_judge": {"judge": None, "count": 5},
    "nothing": {"luck": 0.5},
}


class _Reader(HTMLParser):
    """Reads a page: its visible text, its elements, and whether all are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def _read(folder: Path, found: Audit) -> _Reader:
    reader = _Reader()
    reader.feed(write_page(folder, found).read_text(encoding="utf-8"))
    assert reader.open == []
    return reader


@pytest.mark.parametrize("case", CASES)
def test_a_page_holds_every_measure_and_every_error(case: str, tmp_path: Path) -> None:
    found = audit(tmp_path, **CASES[case])
    text = _read(tmp_path, found).text
    for layer in found.layers:
        for attack in layer.attacks:
            assert attack.knowledge in text or layer is not found.layers[0]
            for one in attack.estimates:
                row = rf"{re.escape(one.words)}{re.escape(format_estimate(one))}"
                assert re.search(row + re.escape(format_estimate(one, "chance")), text)
            for error in attack.errors:
                assert f"error {100 * error:.1f} %" in text
    for photo in found.layers[0].photos:
        assert photo.sha256 in text
    assert "An attack that fails proves nothing" in text
    for line in (*(warning[1:] for warning in found.warnings), *advise(found)):
        assert line in text


def test_a_page_of_stored_vectors_says_what_was_done_to_them(tmp_path: Path) -> None:
    found = store_audit(tmp_path)
    text = _read(tmp_path, found).text
    for line in (*STORE["recognized"]["evidence"], "divided by their norm; stored as float16"):
        assert line in text
    assert f"Yes: {found.comparison}" in text
    for part in (
        "row 17, holidays/cat.jpg",
        "error 9.3 %",
        "2 of 500 rows",
        "of 259 rows that were looked at: 3 NaN",
        "median 8.1 %",
    ):
        assert part in text
    for part in ("1 of 3 photos that an attacker has", "1.23", "9.1 degrees", "0.95 %", "97 %"):
        assert part in text
    for part in ("6.25", "2026-11-26 19:40 UTC", "ab" * 32):
        assert part in text


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_loaded_and_names_are_escaped(case: str, tmp_path: Path) -> None:
    for found in (audit(tmp_path, **CASES[case]), store_audit(tmp_path)):
        reader = _read(tmp_path, found)
        assert BAD in reader.text
        assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in reader.elements}
        policy = reader.elements[3][1]
        assert policy["http-equiv"] == "Content-Security-Policy"
        assert str(policy["content"]).startswith("default-src 'none'; img-src data:;")
        for tag, attributes in reader.elements:
            assert not any(name.startswith("on") for name in attributes)
            assert str(attributes.get("src", "data:image/")).startswith("data:image/")
            assert ":" not in str(attributes.get("href", ""))
            assert "url(" not in str(attributes.get("style", ""))
            assert tag != "img" or attributes["alt"]


def test_headings_are_in_order_and_tables_have_scopes(tmp_path: Path) -> None:
    for found in (store_audit(tmp_path), audit(tmp_path, **CASES["several"])):
        reader = _read(tmp_path, found)
        levels = [int(tag[1]) for tag, _ in reader.elements if re.fullmatch("h[1-6]", tag)]
        assert levels.count(1) == levels[0] == 1
        assert all(below <= above + 1 for above, below in itertools.pairwise(levels))
        assert all("scope" in attributes for tag, attributes in reader.elements if tag == "th")
        names = [str(a["id"]) for _, a in reader.elements if "id" in a]
        assert len(set(names)) == len(names)
        labels = [a["aria-labelledby"] for _, a in reader.elements if "aria-labelledby" in a]
        assert set(labels) <= set(names)


def test_a_weaker_attack_says_what_it_takes_and_photos_of_the_attacker_are_told(
    tmp_path: Path,
) -> None:
    found = store_audit(tmp_path)
    layer = found.layers[0]
    first = dataclasses.replace(layer.attacks[0], verdict=Verdict(("content",)), knowledge="Less.")
    best = dataclasses.replace(layer.attacks[0], attack=NEAREST_PHOTO, knowledge="More.")
    layer = dataclasses.replace(layer, attacks=(first, best))
    text = _read(tmp_path, dataclasses.replace(found, layers=(layer,))).text
    assert f"more. With less, {first.attack} shows what some photos show: less." in text
    assert "whoever is in it need not be in the store" in text
    plain = _read(tmp_path, found).text
    assert "With less" not in plain
    assert "need not be in the store" not in plain


def test_tables_that_lie_beside_the_page_are_linked(tmp_path: Path) -> None:
    found = audit(tmp_path, count=4)
    assert not any("href" in a for _, a in _read(tmp_path, found).elements)
    (tmp_path / "measures.csv").write_text("")
    links = [a["href"] for _, a in _read(tmp_path, found).elements if "href" in a]
    assert links == ["measures.csv"]


def test_defenses_have_a_section_with_a_plot_and_every_row(tmp_path: Path) -> None:
    found = dataclasses.replace(store_audit(tmp_path), defenses=planted())
    assert found.defenses is not None
    write_defenses(tmp_path, found.defenses)
    reader = _read(tmp_path, found)
    for text in (cell for row in rows(found.defenses) for cell in row):
        assert text in reader.text
    assert all(line in reader.text for line in in_words(found.defenses))
    plots = [a for tag, a in reader.elements if tag == "img" and "svg" in str(a["src"])[:20]]
    assert len(plots) == 1
    assert "defenses.csv" in reader.text
    assert "What would help" not in _read(tmp_path, store_audit(tmp_path)).text
