"""`preimage caricature`, and the figures of sections 6 and 7."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.runner import run
from tests.support import known

from preimage import catalog
from preimage.cli.caricature import advice
from preimage.photo_files import shipped_photos
from preimage.presets import ANCHORED
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
    expected = {*names, f"chelsea.{LITE0}.grid.png"}
    assert {path.name for path in tmp_path.glob("*.png")} == expected
    assert json.loads((tmp_path / names[0]).with_suffix(".json").read_text()) == lines[0]
    phi = catalog.representation(f"{LITE0}/blocks.1")
    settings = ANCHORED.with_steps(3)
    result = caricature(phi, CHELSEA, size=(48, 64), settings=settings)
    assert lines[1]["response"] == pytest.approx(known(result.response).item(), rel=1e-4)
    with Image.open(tmp_path / names[1]) as file:
        picture = np.asarray(file).astype(int)
    assert np.abs(picture - np.asarray(result.to_pil())).max() <= 1


def test_one_picture_holds_a_row_for_each_photo_beginning_with_it(tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="the extra video")
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
    with av.open(str(tmp_path / "film.mp4")) as film:
        frames = list(film.decode(video=0))
    assert len(frames) == 3 + 1 + 12  # of 3 steps and of the end, which is held


def test_growing_strengths_stand_beside_each_other(tmp_path: Path) -> None:
    words = ("caricature", CHELSEA, "--rep", f"{LITE0}/stem", *SMALL, "--strength", "30")
    outcome = run(*words[:-2], "--strength", "1", *words[-2:], "--grid", "--out", tmp_path)
    assert outcome.status == 0
    assert [line.split("  ")[2] for line in outcome.output[:2]] == ["strength 1", "strength 30"]
    told = json.loads((tmp_path / f"chelsea.{LITE0}-stem.grid.json").read_text())
    assert [line["strength"] for line in told] == [1, 30]
    assert told[1]["response"] > told[0]["response"]
    names = {Path(line["output"]).name for line in told}
    assert names == {f"chelsea.{LITE0}-stem.strength{n}.png" for n in (1, 30)}
    alone = run(*words, "--json", "--out", tmp_path / "alone")
    assert json.loads(alone.output[0])["response"] == pytest.approx(told[1]["response"], rel=1e-3)


def test_a_caricature_that_is_hardly_one_is_told_with_what_helps(tmp_path: Path) -> None:
    words = ("caricature", CHELSEA, "--rep", f"{LITE0}/stem", *SMALL, "--strength", "0.01")
    outcome = run(*words, "--out", tmp_path)
    assert outcome.output[-1].endswith("hardly more than the photo excites; try --strength 0.1")


def test_strengths_that_come_out_alike_are_told_with_what_helps(tmp_path: Path) -> None:
    words = ("caricature", CHELSEA, "--rep", f"{LITE0}/blocks.5", *SMALL, "--out", tmp_path)
    outcome = run(*words, "--strength", "1000", "--strength", "10000")
    assert outcome.output[-1].startswith("strengths 1000 and 10000 came out alike after 3 steps")
    assert outcome.output[-1].endswith("try --steps 30")
    assert "alike" not in run(*words, "--strength", "1000").output[-1]  # one is like no other


def _caricatures(name: str, responses: dict[float, float | None]) -> list[dict[str, object]]:
    """The lines of the caricatures of a photo, one for each strength."""
    shared = {"input": name, "representation": "hog", "steps": 20}
    return [shared | {"strength": s, "response": r} for s, r in responses.items()]


@pytest.mark.parametrize(
    ("responses", "is_alike"),
    [
        ({3: 1.39, 30: 1.44}, True),
        ({30: 1.44, 3: 1.39}, True),
        ({0.3: 1.39, 3: 1.69, 30: 1.88}, False),
        ({3: 1.39, 30: None}, False),
        ({3: 1.39, 30: 1.30}, True),
    ],
)
def test_strengths_are_alike_if_the_response_grows_hardly_more(
    responses: dict[float, float | None], is_alike: bool
) -> None:
    words = advice(_caricatures("a.jpg", responses))
    assert words.startswith("strengths 3 and 30 came out alike") is is_alike
    assert bool(words) is is_alike


def test_strengths_are_lowered_where_they_do_much_and_steps_added_where_they_do_little() -> None:
    assert advice(_caricatures("a.jpg", {3: 1.39, 30: 1.44})).endswith("; try --strength 0.3")
    assert advice(_caricatures("a.jpg", {3: 1.1, 30: 1.11})).endswith("; try --steps 200")
    assert advice(_caricatures("a.jpg", {3: 1.02, 30: 1.11})).endswith("; try --strength 300")


def test_strengths_apart_for_one_of_the_photos_need_no_advice() -> None:
    both = _caricatures("a.jpg", {3: 1.39, 30: 1.44}) + _caricatures("b.jpg", {3: 1.4, 30: 1.8})
    assert advice(both) == advice([]) == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--strength", "0"), "strength must be positive"),
        (("--preset", "x"), "unknown preset 'x'"),
        (("--preset", "modern"), "unknown preset 'modern': there are anchored, nnpreimage, paper"),
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
