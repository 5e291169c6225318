"""`preimage audit layers`: one page with a plain conclusion."""

from __future__ import annotations

import base64
import io
import json
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
    assert outcome.output[-1].startswith(f"wrote {tmp_path / 'audit.html'}")
    page = (tmp_path / "audit.html").read_text()
    first = next(n for n, line in enumerate(outcome.output) if line.startswith("4 photos were"))
    for sentence in outcome.output[first:-1]:
        assert sentence in page
    assert "4 photos are too few for a verdict" in page
    assert "<td>stem</td>" in page
    for name in ("error %", "re-identified", f"nearest by {JUDGE}", "SSIM", "an attacker learns"):
        assert f"<th>{name}</th>" in page
    described = json.loads((tmp_path / "audit.json").read_text())
    (attack,) = described["layers"][0]["attacks"]
    assert all((tmp_path / file).exists() for file in attack["files"])
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


def test_the_audited_network_cannot_judge_itself(tmp_path: Path) -> None:
    options = ("--limit", "4", "--judge", "efficientnet-lite0", "--out", tmp_path)
    outcome = run("audit", "layers", "efficientnet-lite0", "--layers", "stem", *options)
    assert outcome.errors == [
        "error: efficientnet-lite0 is no independent judge: 100% of its weights are those of the "
        "audited network; name another network"
    ]
