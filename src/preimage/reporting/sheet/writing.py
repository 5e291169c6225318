"""The file of a sheet: HTML, PDF or PNG, by the ending of its name."""

from __future__ import annotations

from pathlib import Path

from preimage.files import write_whole
from preimage.reporting.results import check_output
from preimage.reporting.sheet.content import Sheet
from preimage.reporting.sheet.page import make_environment, render

_ENDINGS = (".html", ".pdf", ".png")


def check_sheet(path: Path) -> None:
    """Raise if a sheet cannot be written to `path`, before any work is done for it.

    Raises:
        ValueError: if the ending is unknown, or what it needs is not installed.
        OSError: if it cannot be written, or is a folder, a pipe, a socket or a device.
    """
    ending = path.suffix.lower()
    if ending not in _ENDINGS:
        raise ValueError(f"a sheet ends in .html, .pdf or .png, not {path.name}")
    if ending == ".html":
        make_environment()  # raises if Jinja2 is missing
    check_output(path)


def write_sheet(path: Path, sheet: Sheet) -> None:
    """Write a sheet, whole or not at all: with films as a page (.html), or printed (.pdf, .png).

    Raises:
        ModelError: if a page is wanted and Jinja2 is not installed.
        OSError: if the file cannot be written.
    """
    if path.suffix.lower() == ".html":
        data = render(sheet).encode()
    else:
        from preimage.reporting.sheet.printing import print_sheet

        data = print_sheet(sheet, path.suffix.lower()[1:])
    with write_whole(path) as partial:
        partial.write_bytes(data)
