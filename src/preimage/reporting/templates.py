"""Pages made from templates by Jinja2, and pictures inside them."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

from preimage.models.optional import import_optional

if TYPE_CHECKING:
    import jinja2
    from PIL import Image


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


def embed(data: bytes) -> str:
    """Return the bytes of a WebP file as an address that holds them.

    >>> embed(b"RIFF")
    'data:image/webp;base64,UklGRg=='
    """
    return f"data:image/webp;base64,{base64.b64encode(data).decode()}"


def embed_picture(picture: Image.Image, quality: int = 84) -> str:
    """Return a picture as WebP in an address that holds it."""
    data = io.BytesIO()
    picture.convert("RGB").save(data, "WEBP", quality=quality)
    return embed(data.getvalue())
