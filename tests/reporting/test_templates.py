import sys

import pytest

from preimage.models.errors import ModelError
from preimage.reporting.templates import open_templates


def test_what_a_page_is_given_is_escaped() -> None:
    environment = open_templates("preimage.reporting.audit_page", "audit")
    page = environment.from_string("<p>{{ name }}</p>").render(name="<script>")
    assert page == "<p>&lt;script&gt;</p>"


def test_without_jinja2_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ModelError, match=r"\[atlas\]"):
        open_templates("preimage.atlas", "atlas")
