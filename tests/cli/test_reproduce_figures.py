"""`preimage reproduce fig1` and all others: one command for each figure, for any network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.cli.runner import Outcome, run
from tests.study_files import images_of
from tests.support import pixels_of

from preimage import catalog, presets
from preimage.paper.figures import FIGURES
from preimage.photo_files import shipped_photos
from preimage.presets import NNPREIMAGE

LITE0 = "efficientnet-lite0"
RANDOM = ("--network", LITE0, "--weights", "random", "--steps", "1", "--workers", "1")


@pytest.fixture(autouse=True)
def _no_final_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    short = NNPREIMAGE.replace(final_iterations=0)
    for known in (presets.PRESETS, presets.UPRIGHT_PRESETS, presets.CARICATURE_PRESETS):
        monkeypatch.setitem(known, "nnpreimage", short)


def _reproduce(name: str, out: Path, *options: str) -> Outcome:
    return run("reproduce", name, *RANDOM, "--out", out, *options)


@pytest.mark.parametrize(("name", "options", "trials", "panels"), [
    ("fig2", ("--layers", "stem,blocks.1", "--limit", "1"), 12, 16),
    ("fig3", ("--classes", "goose", "--seeds", "2"), 6, 6),
    ("fig8", ("--layers", "stem", "--limit", "1", "--seeds", "2"), 2, 3),
    ("fig9", ("--layers", "stem,blocks.1"), 2, 3),
    ("fig11", ("--layers", "stem.bn,blocks.1", "--channels", "0,3,5"), 6, 6),
    ("fig12", ("--layers", "blocks.0", "--channels", "0-1"), 2, 2),
    ("fig13", ("--classes", "goose,tree frog"), 2, 2),
    ("fig14", ("--layers", "stem,blocks.0,pool"), 3, 4),
    ("fig15", ("--layers", "stem", "--limit", "2", "--strength", "3"), 2, 4),
])  # fmt: skip
def test_a_figure_is_made_for_any_network(
    name: str, options: tuple[str, ...], trials: int, panels: int, tmp_path: Path
) -> None:
    outcome = _reproduce(name, tmp_path, *options)
    assert (outcome.status, outcome.errors) == (0, [])
    expected = f"{trials} of {trials} trials done; wrote {tmp_path / name}.pdf"
    assert outcome.output[-1].startswith(expected)
    assert any(line.startswith("a draft: ") for line in outcome.output)
    assert pixels_of(tmp_path / f"{name}.png").std() > 10
    assert len(list(tmp_path.glob(f"{name}.*.*.png"))) == panels


def test_a_figure_goes_on_where_it_was_and_shares_results_with_others(tmp_path: Path) -> None:
    assert _reproduce("fig14", tmp_path, "--layers", "stem").status == 0
    before = images_of(tmp_path)
    assert _reproduce("fig14", tmp_path, "--layers", "stem,blocks.0").status == 0
    assert _reproduce("fig15", tmp_path, "--layers", "stem", "--limit", "2").status == 0
    after = images_of(tmp_path)
    assert (len(before), len(after)) == (1, 3)
    assert before.items() <= after.items()


def test_the_parts_of_a_figure_lie_beside_it_and_begin_with_the_photo(tmp_path: Path) -> None:
    assert _reproduce("fig14", tmp_path, "--layers", "stem,blocks.0").status == 0
    parts = [f"fig14.1.{column}.png" for column in (1, 2, 3)]
    assert sorted(path.name for path in tmp_path.glob("*.png")) == [*parts, "fig14.png"]
    preprocessing = catalog.network(LITE0, weights="random").preprocessing
    photo = preprocessing.to_display(preprocessing.load(shipped_photos()["chelsea"]))
    np.testing.assert_array_equal(pixels_of(tmp_path / parts[0]), photo)


def test_channels_that_no_photo_moves_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = catalog.network(LITE0, weights="random")
    with torch.no_grad():
        network.module.get_submodule("stem.conv").weight[1] = 0  # type: ignore[operator]
    monkeypatch.setattr(catalog, "network", lambda *_, **__: network)
    outcome = _reproduce("fig11", tmp_path, "--layers", "stem.conv", "--channels", "0-2")
    assert outcome.output[-1].startswith("2 of 2 trials done")
    outcome = _reproduce("fig11", tmp_path, "--layers", "stem.conv", "--channels", "1")
    assert outcome.errors == ["error: these components respond alike to all photos: choose others"]


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_of_the_papers_network_says_how_to_get_it(name: str, tmp_path: Path) -> None:
    outcome = run("reproduce", name, "--out", tmp_path)
    assert (outcome.status, len(outcome.errors)) == (2, 1)
    assert "preimage fetch" in outcome.errors[0]


@pytest.mark.parametrize(("name", "options", "problem"), [
    ("fig5", ("--layers", "blocks.99"), "'blocks.99': did you mean 'blocks.9'"),
    ("fig5", ("--images", "/gone"), "/gone: No such file or directory"),
    ("fig11", ("--channels", "a"), "channels must be like 0-24,31"),
    ("fig13", ("--classes", "gose"), "unknown class 'gose'"),
    ("fig14", ("--preset", "modern"), "'modern': there are anchored, nnpreimage, paper"),
    ("fig14", ("--strength", "0"), "strength"),
])  # fmt: skip
def test_bad_input_gets_one_clear_line(
    name: str, options: tuple[str, ...], problem: str, tmp_path: Path
) -> None:
    outcome = _reproduce(name, tmp_path, *options)
    assert (outcome.status, len(outcome.errors)) == (2, 1)
    assert problem in outcome.errors[0]


@pytest.mark.parametrize(("name", "some", "none"), [
    ("fig5", ("--network", "--layers", "--images", "--limit"), ("--classes", "--strength")),
    ("fig1", ("--seeds",), ("--channels",)),
    ("fig3", ("--classes", "--seeds", "--strength", "--reference"), ("--images", "--layers")),
    ("fig11", ("--channels", "--layers"), ("--classes", "--seeds", "--images")),
    ("fig15", ("--strength", "--images"), ("--channels", "--reference")),
])  # fmt: skip
def test_a_figure_has_the_options_that_apply_to_it(
    name: str, some: tuple[str, ...], none: tuple[str, ...]
) -> None:
    text = "\n".join(run("reproduce", name, "--help").output)
    assert all(option in text for option in (*some, "--weights", "--preset", "--retry"))
    assert not any(option in text for option in none)
