"""Extras of this package, and the command that installs one where preimage is installed."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname


def install_command(extra: str) -> str:
    """Return the command that adds an extra of this package.

    It names the clone, the file or the repository that preimage was installed from. From there
    pip takes it, and not what an index has under the same name.

    >>> install_command("video").startswith("pip install ")
    True
    """
    try:
        origin = distribution("preimage").read_text("direct_url.json")
    except PackageNotFoundError:
        return f'pip install -e "{Path(__file__).parent.parent.parent}[{extra}]"'
    wanted = f"preimage[{extra}]"
    return f'pip install "{wanted}"' if origin is None else _from_origin(wanted, json.loads(origin))


def _from_origin(wanted: str, origin: dict[str, Any]) -> str:
    """Return the command for a package that pip installed from an address (PEP 610).

    >>> _from_origin("preimage[app]", {"url": "file:///a.whl", "archive_info": {}})
    'pip install "preimage[app] @ file:///a.whl"'
    >>> clone = {"url": "file:///my%20clone", "dir_info": {"editable": True}}
    >>> _from_origin("preimage[app]", clone)
    'pip install -e "/my clone[app]"'
    """
    url = origin["url"]
    if origin.get("dir_info", {}).get("editable"):
        extra = wanted.removeprefix("preimage")
        return f'pip install -e "{url2pathname(urlsplit(url).path)}{extra}"'
    if (repository := origin.get("vcs_info")) is not None:
        url = f"{repository['vcs']}+{url}@{repository['commit_id']}"
    return f'pip install "{wanted} @ {url}"'
