"""Addresses: safe on every file system, and different for different names."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preimage.atlas.addresses import relative, root_of, safe_name

HOSTILE = (
    "..", ".", "", "../../x", "/etc/passwd", "C:\\x", "<script>", "a\0b", "aux", "con.txt", "com1",
    "index.html", "assets", "classical", "x.", "A" * 300, "é", "\ud800", "-rf", "%2e%2e",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_one_harmless_part_of_a_path(text: str) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,79}", safe_name(text))
    assert safe_name(text) != text


@given(st.text(max_size=20), st.text(max_size=20))
def test_names_that_differ_have_addresses_that_differ(one: str, other: str) -> None:
    assert (safe_name(one) == safe_name(other)) == (one == other)
    assert safe_name(one).isascii()


@pytest.mark.parametrize("name", ["vgg-m", "blocks.5", "layer3.0.conv_2", "efficientnet-lite0"])
def test_ordinary_names_stay(name: str) -> None:
    assert safe_name(name) == name


def test_links_lead_from_any_page_to_any_other() -> None:
    assert relative("index.html", "a/b/3.html") == "a/b/3.html"
    assert relative("a/b/3.html", "a/b/4.html") == "4.html"
    assert relative("a/b/3.html", "index.html") == f"{root_of('a/b/3.html')}index.html"
