from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from preimage.cli import app

RUN = CliRunner()


def test_the_table_has_a_line_for_each_property() -> None:
    result = RUN.invoke(app, ["check", "hog", "--size", "48"], catch_exceptions=False)
    assert result.exit_code == 0
    assert "hog, images of 48 x 48" in result.stdout
    for name in ("runs", "deterministic", "differentiable", "memory", "stays as it was"):
        assert name in result.stdout


def test_json_says_the_same() -> None:
    result = RUN.invoke(app, ["check", "dsift", "--size", "48x64", "--json"])
    report = json.loads(result.stdout)
    assert report["representation"] == "dsift"
    assert report["size"] == [48, 64]
    assert report["ok"] is True


@pytest.mark.parametrize("name", ["vgg-z/conv1", "nothing", "hog/7"])
def test_an_unknown_name_is_one_line(name: str) -> None:
    result = RUN.invoke(app, ["check", name])
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1


def test_an_image_that_is_too_small_is_a_finding() -> None:
    result = RUN.invoke(app, ["check", "dsift", "--size", "4", "--json"])
    assert result.exit_code == 2
    assert "needs an image of at least 25 x 25 pixels, not 4 x 4" in result.stdout


@pytest.mark.parametrize(
    ("rep", "checked"), [("import:tiny.make/0", "tiny.make/0"), ("import:tiny.make", "tiny.make/3")]
)
def test_a_layer_or_the_class_scores_of_an_own_network_are_checked(
    rep: str, checked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny.py").write_text(
        "from torch import nn\n"
        "def make():\n"
        "    head = nn.Linear(4 * 14 * 14, 3)\n"
        "    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), head)\n"
        "    return network, {'size': (16, 16)}\n"
    )
    monkeypatch.chdir(tmp_path)
    result = RUN.invoke(app, ["check", rep, "--json"], catch_exceptions=False)
    assert json.loads(result.stdout)["representation"] == f"import:{checked}"
