"""The command of a picture makes the same picture."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.atlas.sites import maximization
from tests.cli.runner import run
from tests.study_files import MEASURES, make_outcome

from preimage.atlas.commands import command
from preimage.atlas.data import Image as Shown
from preimage.atlas.data import Picture
from preimage.photo_files import photo_paths
from preimage.presets import MODERN, NNPREIMAGE
from preimage.studies.expansion import expand
from preimage.studies.loader import Loader
from preimage.studies.outcome import Outcome
from preimage.studies.study import make_study
from preimage.studies.trial import Trial, checksum_of_all
from preimage.studies.worker import carry_out

SHIPPED = checksum_of_all(photo_paths())


def _command(trial: Trial, steps: int | None = 3) -> str | None:
    measures = make_outcome(trial).measures
    image = Shown("a.webp", "a picture", 24, 24)
    assert measures == MEASURES
    assert measures.steps == 3
    return command(Picture(image, trial, measures))


@pytest.mark.parametrize(("fields", "words"), [
    ({}, "preimage maximize net/conv --channels 0 --seed 0"),
    ({"position": (1, 2), "seed": 5}, "preimage maximize net/conv --neurons 0,1,2 --seed 5"),
    ({"position": "cls"}, "preimage maximize net/conv --neurons 0,cls --seed 0"),
    ({"class_name": "tree frog"}, "preimage maximize net --classes 'tree frog' --seed 0"),
    ({"diversity": 2.5, "seeds": (1, 2), "seed": 2},
     "preimage maximize net/conv --channels 0 --seed 1 --seeds 2 --diversity 2.5"),
    ({"size": (20, 30)}, "preimage maximize net/conv --channels 0 --seed 0 --size 20x30"),
    ({"weights": "a b.pth"},
     "preimage maximize net/conv --channels 0 --seed 0 --weights 'a b.pth'"),
    ({"reference_sha256": "0"},
     "preimage maximize net/conv --channels 0 --seed 0 --reference PHOTOS"),
    ({"settings": MODERN.with_steps(3).replace(strength=2)},
     "preimage maximize net/conv --channels 0 --seed 0 --strength 2"),
    ({"settings": NNPREIMAGE.with_steps(3).replace(strength=1)},
     "preimage maximize net/conv --channels 0 --seed 0 --preset nnpreimage"),
])  # fmt: skip
def test_a_command_names_all_that_is_not_the_default(fields: dict[str, Any], words: str) -> None:
    known: dict[str, Any] = {"reference_sha256": SHIPPED, "settings": MODERN.with_steps(3)}
    assert _command(maximization(**known | fields)) == f"{words} --steps 3"


def test_seeds_with_gaps_have_no_command() -> None:
    fields: dict[str, Any] = {"settings": MODERN.with_steps(3), "diversity": 1, "seeds": (0, 2)}
    assert _command(maximization(**fields)) is None


@pytest.mark.parametrize("settings", [MODERN.replace(beta=1.5), MODERN.with_steps(4), None])
def test_other_settings_have_no_command(settings: Any) -> None:
    assert _command(maximization(settings=settings)) is None


def test_the_command_makes_the_picture(tmp_path: Path) -> None:
    keys = {"visualization": "maximize", "representations": ["hog"], "channels": "5", "size": 32}
    (trial,) = expand(make_study(keys | {"seeds": [2], "steps": 3}), Loader())
    (outcome,) = carry_out([trial], {}, Loader())
    assert isinstance(outcome, Outcome)
    image = Shown("a.webp", "a picture", 32, 32)
    text = command(Picture(image, trial, outcome.measures))
    assert text is not None
    arguments = shlex.split(text)[1:]
    assert run(*arguments, "--out", tmp_path / "out").status == 0
    (path,) = (tmp_path / "out").glob("*.png")
    with Image.open(path) as saved:
        assert saved.tobytes() == outcome.picture.tobytes()
