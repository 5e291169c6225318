"""The file of a sheet: its ending decides, and what is wrong is told before any work."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from tests.reporting.sheet.sheets import long_sheet
from tests.support import full_disk

from preimage.extras import install_command
from preimage.models.errors import ModelError
from preimage.reporting.sheet.writing import check_sheet, write_sheet

BEGINNINGS = {".html": b"<!doctype html>", ".pdf": b"%PDF-", ".PNG": b"\x89PNG"}


@pytest.mark.parametrize("ending", BEGINNINGS)
def test_the_ending_decides_what_is_written(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"sheet{ending}"
    check_sheet(path)
    write_sheet(path, long_sheet(1))
    assert path.read_bytes().startswith(BEGINNINGS[ending])
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["sheet.docx", "sheet", "sheet.jpg"])
def test_another_ending_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=rf"ends in \.html, \.pdf or \.png, not {name}"):
        check_sheet(tmp_path / name)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sheet.pdf").mkdir()
    with pytest.raises(OSError, match=r"folder"):
        check_sheet(tmp_path / "sheet.pdf")


def test_without_jinja2_only_a_page_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    check_sheet(tmp_path / "sheet.pdf")
    with pytest.raises(ModelError, match=re.escape(install_command("atlas"))):
        check_sheet(tmp_path / "sheet.html")


def test_a_full_disk_leaves_no_file(tmp_path: Path) -> None:
    with full_disk(), pytest.raises(OSError, match="File too large"):
        write_sheet(tmp_path / "sheet.pdf", long_sheet(9))
    assert list(tmp_path.iterdir()) == []
