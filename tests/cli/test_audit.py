"""`preimage audit layers`: one page with a plain conclusion."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

from PIL import Image
from tests.cli.runner import run
from tests.judges import JUDGE

SMALL = ("--weights", "random", "--layers", "stem", "--steps", "1", "--workers", "1")


def test_the_page_holds_conclusion_numbers_curves_and_pictures(tmp_path: Path) -> None:
    options = (*SMALL, "--limit", "4", "--judge", JUDGE, "--out", tmp_path)
    outcome = run("audit", "layers", "efficientnet-lite0", *options)
    assert (outcome.status, outcome.errors) == (0, [])
    assert outcome.output[-1] == f"wrote {tmp_path / 'audit.html'}"
    page = (tmp_path / "audit.html").read_text()
    for sentence in outcome.output[:-1]:
        assert sentence in page
    assert "guessing would find 25 %" in page
    assert "<td>stem</td>" in page
    for name in ("error %", "distance", "judge agrees %", "saturation / photo"):
        assert f"<th>{name}</th>" in page
    pictures = re.findall(r"data:image/png;base64,([\w+/=]+)", page)
    sizes = [Image.open(io.BytesIO(base64.b64decode(picture))).size for picture in pictures]
    assert sizes == [(224, 224)] * 8
    assert len(re.findall(r"data:image/svg\+xml;base64,", page)) == 1


def test_one_photo_and_an_unknown_network_get_one_clear_line(tmp_path: Path) -> None:
    options = (*SMALL, "--limit", "1", "--out", tmp_path)
    outcome = run("audit", "layers", "efficientnet-lite0", *options)
    assert outcome.status == 2
    assert "at least 4 photos, not 1" in outcome.errors[0]
    assert not list(tmp_path.iterdir())
    outcome = run("audit", "layers", "efficientnet", "--out", tmp_path)
    assert outcome.errors == [
        "error: unknown network 'efficientnet': did you mean 'efficientnet-lite4'?"
    ]
