"""Downloads and copies of files, checked by MD5; no incomplete file gets its final name.

A file is downloaded as `NAME.part`, checked, and only then renamed. After an interruption the
next download asks for the rest by an HTTP range request, which pooch 1.9 cannot do.
"""

from __future__ import annotations

import http.client
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from preimage import files
from preimage.models.errors import ModelError

Progress: TypeAlias = Callable[[int, int], None]
"""A function of the bytes that have arrived and the bytes of the whole file (0: unknown)."""

_CHUNK = 1 << 18
_TIMEOUT_SECONDS = 30


def download(url: str, target: Path, md5: str, progress: Progress | None = None) -> None:
    """Download a file; an interrupted download is resumed.

    Raises:
        ModelError: if the transfer fails or is cut short (the bytes that have arrived are
            kept), or if the checksum differs (nothing is kept).
    """
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _transfer(url, part, progress)
    except (OSError, http.client.HTTPException) as error:
        kept = part.exists() and part.stat().st_size > 0
        hint = "; run the same command again to resume it" if kept else ""
        raise ModelError(f"{url}: {error}{hint}") from error
    found = files.md5(part)
    if found != md5:
        part.unlink()
        problem = f"the checksum of the downloaded file is {found}, not {md5}"
        raise ModelError(f"{url}: {problem}; nothing was installed")
    part.replace(target)


def install(source: Path, target: Path, md5: str) -> None:
    """Copy a file that is on this machine already.

    Raises:
        ModelError: if it cannot be read or copied, or if its checksum differs.
    """
    try:
        found = files.md5(source)
        if found != md5:
            raise ModelError(
                f"{source}: its checksum is {found}, but that of the {target.name} of its "
                f"authors is {md5}: the file is damaged, or another one; load it all the same by "
                "--weights FILE"
            )
        with files.write_whole(target) as partial:
            shutil.copyfile(source, partial)
    except OSError as error:
        raise ModelError(f"{source}: {error.strerror or error}") from error


def _transfer(url: str, part: Path, progress: Progress | None) -> None:
    """Download the rest of the file at `url`, and append it to `part`."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "preimage"} | ({"Range": f"bytes={have}-"} if have else {})
    request = urllib.request.Request(url, headers=headers)
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if have and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return
        raise
    with response:
        resumed = response.status == http.HTTPStatus.PARTIAL_CONTENT
        done = have if resumed else 0
        length = response.headers.get("Content-Length")
        total = done + int(length) if length else 0
        with part.open("ab" if resumed else "wb") as file:
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                done += len(chunk)
                if progress is not None:
                    progress(done, total)
    if done < total:
        raise http.client.HTTPException(f"interrupted after {done} of {total} bytes")
