"""The page of a sheet: one HTML file that needs nothing else, with the film of every inversion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from preimage.reporting.sheet.content import ERROR, LEAD, TITLE, Sheet
from preimage.reporting.templates import embed, embed_picture, open_templates

if TYPE_CHECKING:
    import jinja2


def render(sheet: Sheet) -> str:
    """Return the page as text.

    Raises:
        ModelError: if Jinja2 is not installed.
    """
    template = make_environment().get_template("sheet.html")
    return template.render(sheet=sheet, title=TITLE, lead=LEAD, error=ERROR)


def make_environment() -> jinja2.Environment:
    """Return the templates, which escape all that they are given.

    Raises:
        ModelError: if Jinja2 is not installed.
    """
    environment = open_templates("preimage.reporting.sheet", "atlas")
    environment.filters |= {"embed": embed, "picture": embed_picture}
    return environment
