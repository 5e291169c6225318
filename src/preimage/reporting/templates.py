"""Pages made from templates by Jinja2, for audits and atlases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from preimage.models.optional import import_optional

if TYPE_CHECKING:
    import jinja2


def open_templates(package: str, extra: str) -> jinja2.Environment:
    """Return the templates of a package, which escape all that they are given.

    Args:
        package: a package with a folder of templates.
        extra: the extra of preimage that brings Jinja2.

    Raises:
        ModelError: if Jinja2 is not installed.
    """
    jinja = import_optional("jinja2", extra)
    environment: jinja2.Environment = jinja.Environment(
        loader=jinja.PackageLoader(package),
        autoescape=True,
        undefined=jinja.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment
