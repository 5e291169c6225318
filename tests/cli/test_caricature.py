"""`preimage caricature`, and the figures of sections 6 and 7."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.runner import run
from tests.support import known, pixels_of

from preimage import catalog
from preimage.photo_files import shipped_photos
from preimage.presets import NNPREIMAGE
from preimage.visualizations import caricature

LITE0 = "efficientnet-lite0"
CHELSEA = shipped_photos()["chelsea"]
RANDOM = ("--weights", "random", "--preset", "paper")  # which has no final stage
SMALL = ("--size", "48x64", "--steps", "3")


def test_each_photo_and_layer_gets_a_picture_and_a_sidecar(tmp_path: Path) -> None:
    outcome = run(
        "caricature", CHELSEA, "--rep", LITE0, "--layers", "stem,blocks.1", "--json", "--grid",
        "--out", tmp_path, *SMALL,
    )  # fmt: skip
    assert (outcome.status, outcome.errors) == (0, [])
    lines = [json.loads(line) for line in outcome.output]
    names = [f"chelsea.{LITE0}-{layer}.png" for layer in ("stem", "blocks.1")]
    assert [Path(line["output"]).name for line in lines] == names
    expected = {*names, f"{LITE0}.grid.png"}
    assert {path.name for path in tmp_path.glob("*.png")} == expected
    assert json.loads((tmp_path / names[0]).with_suffix(".json").read_text()) == lines[0]
    phi = catalog.representation(f"{LITE0}/blocks.1")
    settings = NNPREIMAGE.with_steps(3)
    result = caricature(phi, CHELSEA, size=(48, 64), settings=settings)
    assert lines[1]["response"] == pytest.approx(known(result.response).item(), rel=1e-4)
    with Image.open(tmp_path / names[1]) as file:
        picture = np.asarray(file).astype(int)
    assert np.abs(picture - np.asarray(result.to_pil())).max() <= 1


def test_one_picture_holds_a_row_for_each_photo_beginning_with_it(tmp_path: Path) -> None:
    out = tmp_path / "row.png"
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("chelsea", "coffee"):
        (photos / f"{name}.jpg").write_bytes(shipped_photos()[name].read_bytes())
    outcome = run(
        "caricature", photos, "--rep", f"{LITE0}/stem", "--out", out, "--video",
        tmp_path / "film.mp4", *SMALL,
    )  # fmt: skip
    assert outcome.status == 0
    lines = json.loads(out.with_suffix(".json").read_text())
    assert [Path(line["input"]).stem for line in lines] == ["chelsea", "coffee"]
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "film.mp4")) as film:
        frames = list(film.decode(video=0))
    assert len(frames) == 53 + 12  # a frame for each of 3 + 50 steps, the last one held


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--strength", "0"), "strength must be positive"),
        (("--preset", "x"), "unknown preset 'x'"),
        (("--preset", "modern"), "unknown preset 'modern': there are nnpreimage, paper"),
        (("--video", "film.txt"), "ends in .gif or .mp4"),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    outcome = run(
        "caricature", CHELSEA, "--rep", f"{LITE0}/stem", "--out", tmp_path, *SMALL, *arguments
    )
    assert (outcome.status, outcome.output) == (2, [])
    assert len(outcome.errors) == 1
    assert message in outcome.errors[0]


@pytest.mark.parametrize(
    ("command", "panels"),
    [
        (("fig3", "--model", LITE0, "--class", "goose"), 3),
        (("fig11", "--model", LITE0, "--layers", "stem.bn,blocks.1", "--count", "3"), 6),
        (("fig12", "--model", LITE0, "--layers", "blocks.0", "--count", "2"), 2),
        (("fig13", "--model", LITE0, "--classes", "goose,tree frog"), 2),
        (("fig14", "--model", LITE0, "--layers", "stem,blocks.0,pool"), 4),
        (("fig15", "--model", LITE0, "--layers", "stem"), 6),
    ],
)
def test_a_figure_is_made_for_any_network(
    command: tuple[str, ...], panels: int, tmp_path: Path
) -> None:
    out = tmp_path / "figure.png"
    outcome = run("reproduce", *command, "--steps", "2", "--out", out, *RANDOM)
    assert (outcome.status, outcome.errors) == (0, [])
    assert outcome.output == [f"wrote {out}"]
    assert len(json.loads(out.with_suffix(".json").read_text())) == panels
    with Image.open(out) as picture:
        assert picture.width > 200


def test_figures_of_caricatures_begin_with_the_photo_and_have_their_parts_in_a_folder(
    tmp_path: Path,
) -> None:
    out, layers = tmp_path / "out", "stem,blocks.0"
    outcome = run(
        "reproduce", "fig14", "--model", LITE0, "--layers", layers, "--steps", "1", "--out", out,
        *RANDOM,
    )  # fmt: skip
    assert (outcome.status, outcome.output) == (0, [f"wrote {out / 'fig14.png'}"])
    parts = [f"fig14.1.{column}.png" for column in (1, 2, 3)]
    assert sorted(path.name for path in out.glob("*.png")) == [*parts, "fig14.png"]
    preprocessing = catalog.network(LITE0, "random").preprocessing
    photo = preprocessing.to_display(preprocessing.load(CHELSEA))
    np.testing.assert_array_equal(pixels_of(out / parts[0]), photo)
    figure = pixels_of(out / "fig14.png")
    for column, part in enumerate(parts):
        left = 8 + column * (224 + 8)
        np.testing.assert_array_equal(figure[8:232, left : left + 224], pixels_of(out / part))
    told = json.loads((out / "fig14.json").read_text())
    assert [line["label"].split(":")[0] for line in told] == ["chelsea", *layers.split(",")]
    for line, part in zip(told, parts, strict=True):
        assert json.loads((out / part).with_suffix(".json").read_text()) == line


@pytest.mark.parametrize("figure", ["fig3", "fig11", "fig13", "fig14", "fig15"])
def test_a_figure_of_the_papers_network_says_how_to_get_it(figure: str, tmp_path: Path) -> None:
    outcome = run("reproduce", figure, "--out", tmp_path / "figure.png")
    assert outcome.status == 2
    assert "preimage fetch" in outcome.errors[0]
