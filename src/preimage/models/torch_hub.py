"""Checkpoints in torch.hub's cache, which torchvision and older timm networks use."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlparse

import torch

from preimage.models.errors import ModelError


def checkpoint_path(url: str) -> Path:
    """Return the path under which torch.hub keeps the file of this address."""
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(url).path).name


def download_checkpoint(url: str) -> Path:
    """Download a file into torch.hub's cache, unless it is there already; show the progress.

    The SHA-256 prefix in its name, as in resnet50-11ad3fa6.pth, is checked.

    Raises:
        ModelError: if it cannot be downloaded, or its checksum differs.
    """
    path = checkpoint_path(url)
    if not path.exists():
        checksum = re.search(r"-([0-9a-f]{8,})\.", path.name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(path), checksum and checksum.group(1))
        except (OSError, RuntimeError) as error:
            raise ModelError(f"{url}: not downloaded: {error}") from None
    return path
