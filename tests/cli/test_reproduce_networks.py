"""`preimage reproduce table5`, the figures and `list`."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from tests.cli.runner import Outcome, run
from tests.study_files import images_of
from tests.support import pixels_of

from preimage.paper.figures import FIGURES
from preimage.presets import NNPREIMAGE, PRESETS

LITE0 = ("--model", "efficientnet-lite0", "--weights", "random", "--workers", "1")


@pytest.fixture(autouse=True)
def _no_final_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    short = NNPREIMAGE.replace(final_iterations=0)
    monkeypatch.setitem(PRESETS, "nnpreimage", short)


def _reproduce(name: str, out: Path, *options: str) -> Outcome:
    layers = ("--layers", "stem,blocks.1", "--photos", "1", "--steps", "1")
    return run("reproduce", name, *LITE0, *layers, "--out", out, *options)


def test_table_5_is_printed_and_saved_and_goes_on_where_it_was(tmp_path: Path) -> None:
    outcome = _reproduce("table5", tmp_path, "--loss-weight", "20")
    assert (outcome.status, outcome.errors) == (0, [])
    assert outcome.output[-1].startswith("2 of 2 trials done; wrote ")
    with (tmp_path / "table5.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["layer"] for row in rows] == ["stem", "blocks.1"]
    assert any("stem" in line and rows[0]["C = 20"] in line for line in outcome.output)
    before = images_of(tmp_path)
    assert _reproduce("table5", tmp_path, "--loss-weight", "20", "--ablation").status == 0
    after = images_of(tmp_path)
    assert (len(before), len(after)) == (2, 8)
    assert before.items() <= after.items()


@pytest.mark.parametrize(("name", "trials"), [("fig2", 12), ("fig8", 8), ("fig9", 2)])
def test_a_figure_is_made_for_any_network(name: str, trials: int, tmp_path: Path) -> None:
    outcome = _reproduce(name, tmp_path)
    assert (outcome.status, outcome.errors) == (0, [])
    expected = f"{trials} of {trials} trials done; wrote {tmp_path / name}.pdf"
    assert outcome.output[-1].startswith(expected)
    assert pixels_of(tmp_path / f"{name}.png").std() > 10


def test_the_list_names_every_table_and_figure_and_what_is_missing() -> None:
    lines = run("reproduce", "list").output
    for name in ("table4", "table5", *FIGURES):
        (row,) = (line for line in lines if line.startswith(f"│ reproduce {name} "))
        assert ("missing" in row) == (name != "table4")
    assert "fetch" in "\n".join(lines)
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(("options", "problem"), [
    (("--model", "efficientnet-lite1"), "did you mean 'efficientnet-lite0'"),
    ((*LITE0, "--layers", "blocks.99"), "EfficientNetLite0 'blocks.99'"),
    ((*LITE0, "--images", "/gone"), "/gone: No such file or directory"),
    ((), "preimage fetch alexnet"),
])  # fmt: skip
def test_bad_input_gets_one_clear_line(
    options: tuple[str, ...], problem: str, tmp_path: Path
) -> None:
    outcome = run("reproduce", "table5", *options, "--out", tmp_path)
    assert outcome.status == 2
    assert any(problem in line for line in outcome.errors)
