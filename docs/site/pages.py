"""The completion of pages as Sphinx reads them.

A line `<!-- made from the code: NAME -->` is replaced by what a function of that name returns, with
the line in italics below it, which tells readers of the plain file where to look.
Links to files that are not pages of the site, such as scripts of examples/, are turned to the pages
that show them: so each link also leads somewhere in a clone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from docs.site import api, commands, schemas

if TYPE_CHECKING:
    from sphinx.application import Sphinx

MAKERS: dict[str, Callable[[], str]] = {
    "commands": commands.commands,
    "public names": api.public_names,
    "other names": api.parts,
    "settings": schemas.settings_by_name,
    "study": schemas.study,
    "sidecar": schemas.sidecar,
    "sidecar of commands": schemas.written_by_commands,
    "store": schemas.store,
    "trial": schemas.trial,
    "measures": schemas.measures,
}
"""The functions that make parts of pages, by the name in the comment."""

_SHOWN_BY = {
    "../README.md": "index.md",
    "../CONTRIBUTING.md": "contributing.md",
    "../CHANGELOG.md": "changelog.md",
    "../SECURITY.md": "security.md",
}


def complete(app: Sphinx, page: str, source: list[str]) -> None:
    """Replace the comments of a page that Sphinx has just read, and its links."""
    source[0] = completed(source[0])


def completed(text: str) -> str:
    """Return the text of a page with what its comments stand for.

    Raises:
        KeyError: if a comment names no function.
    """
    for file, page in _SHOWN_BY.items():
        text = text.replace(f"]({file}", f"]({page}")
    text = re.sub(r"\]\(\.\./examples/(\w+)\.py\)", r"](gallery/\1.md)", text)
    text = text.replace("](../examples)", "](gallery/index.md)")
    return re.sub(
        r"^<!-- made from the code: (.+) -->(\n\*.+\*$)?",
        lambda found: MAKERS[found[1]](),
        text,
        flags=re.MULTILINE,
    )
