"""Addresses of pages and pictures inside an atlas: safe on every file system, and lasting.

An address is relative to the folder of the atlas, such as "efficientnet-lite0/blocks.5/12.html". It
depends only on the names that it stands for, not on what else the atlas holds.
"""

from __future__ import annotations

import posixpath
import re

from preimage.files import names_device, sha256

_SAFE = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}", re.ASCII)
_UNSAFE = re.compile(r"[^a-z0-9._-]+", re.ASCII)
CLASSICAL = "classical"
"""The folder of the representations that belong to no network."""

_TAKEN = {CLASSICAL, "assets"}
_LONGEST = 60
_DIGITS = 8


def safe_name(text: str) -> str:
    """Return a name for a file or folder; if it is not the text itself, with a hash of the text.

    Upper case counts as unsafe, because some systems do not tell it from lower case.

    >>> safe_name("blocks.5"), safe_name("../../etc")
    ('blocks.5', 'etc-74ccf3c5')
    >>> safe_name("..").startswith("."), safe_name("AUX") == safe_name("aux")
    (False, False)
    """
    first = text.partition(".")[0]
    is_taken = first in _TAKEN or names_device(text) or text.endswith((".html", "."))
    if _SAFE.fullmatch(text) and not is_taken:
        return text
    readable = _UNSAFE.sub("-", text.lower())[:_LONGEST].strip(".-_")
    digits = sha256(text.encode("utf-8", "surrogatepass"))[:_DIGITS]
    return f"{readable}-{digits}" if readable else digits


def relative(page: str, address: str) -> str:
    """Return the address as a link on a page.

    >>> relative("vgg-m/conv1/3.html", "assets/atlas.css")
    '../../assets/atlas.css'
    """
    return posixpath.relpath(address, posixpath.dirname(page) or ".")


def root_of(page: str) -> str:
    """Return the link from a page to the folder of the atlas, which ends in "/" or is empty.

    >>> root_of("vgg-m/conv1/3.html"), root_of("index.html")
    ('../../', '')
    """
    return "../" * page.count("/")
