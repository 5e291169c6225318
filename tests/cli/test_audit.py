"""`preimage audit layers`: one page with a plain conclusion."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path

from PIL import Image
from tests.cli.runner import run, save_photo
from tests.judges import JUDGE

from preimage.models.sources import ELSEWHERE

SMALL = ("--weights", "random", "--layers", "stem", "--steps", "1", "--workers", "1")


def test_the_page_holds_verdict_numbers_and_pictures(tmp_path: Path) -> None:
    options = (*SMALL, "--limit", "4", "--judge", JUDGE, "--out", tmp_path)
    outcome = run("audit", "layers", "efficientnet-lite0", *options)
    assert (outcome.status, outcome.errors) == (0, [])
    assert outcome.output[-1].startswith(f"wrote {tmp_path / 'audit.html'}")
    page = (tmp_path / "audit.html").read_text()
    assert "4 photos are too few for a verdict" in page
    for name in ("re-identified", f"nearest by {JUDGE}", "SSIM"):
        assert f'<th scope="row">{name}</th>' in page
    for name in ("measures.csv", "photos.csv", "inputs.csv", "audit.json"):
        assert f'<a href="{name}">' in page
        assert (tmp_path / name).is_file()
    described = json.loads((tmp_path / "audit.json").read_text())
    (attack,) = described["layers"][0]["attacks"]
    assert all((tmp_path / file).exists() for file in attack["files"])
    assert (described["weights"], described["seed"]) == ("random", 0)
    assert described["layers"][0]["photos"][0]["sha256"] in page
    pictures = re.findall(r"data:image/webp;base64,([\w+/=]+)", page)
    sizes = [Image.open(io.BytesIO(base64.b64decode(picture))).size for picture in pictures]
    assert sizes == [(224, 224)] * 8 + [(128, 128)] * 8  # the four, and all of them


def test_one_photo_and_an_unknown_network_get_one_clear_line(tmp_path: Path) -> None:
    options = (*SMALL, "--out", tmp_path / "out", "--images", save_photo(tmp_path / "a.png"))
    outcome = run("audit", "layers", "efficientnet-lite0", *options)
    assert outcome.status == 2
    assert "at least 4 photos, not 1" in outcome.errors[0]
    assert not (tmp_path / "out").exists()
    outcome = run("audit", "layers", "efficientnet", "--out", tmp_path)
    assert outcome.errors == [
        f"error: unknown network 'efficientnet': did you mean 'efficientnet-lite4'?{ELSEWHERE}"
    ]


def test_the_audited_network_cannot_judge_itself(tmp_path: Path) -> None:
    options = ("--limit", "4", "--judge", "efficientnet-lite0", "--out", tmp_path)
    outcome = run("audit", "layers", "efficientnet-lite0", "--layers", "stem", *options)
    assert outcome.errors == [
        "error: efficientnet-lite0 is no independent judge: 100% of its weights are those of the "
        "audited network; name another network"
    ]
