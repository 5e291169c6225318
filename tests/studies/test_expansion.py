"""The trials of a study: every combination once, with the settings of the visualization."""

from __future__ import annotations

import hashlib
import itertools
import os
from pathlib import Path

import pytest
from tests.judges import JUDGE
from tests.study_files import make_trials, save_photos

from preimage.catalog import network
from preimage.decoding import ImageError
from preimage.masks import Mask
from preimage.presets import ANCHORED, CLASSICAL_QUALITIES, MODERN, NETWORK_QUALITIES, NNPREIMAGE
from preimage.studies.expansion import expand
from preimage.studies.loader import Loader
from preimage.studies.study import Study, make_study, read_study


def _write(folder: Path, text: str) -> Path:
    path = folder / "early.toml"
    path.write_text(text)
    return path


def test_a_study_is_every_combination_once(tmp_path: Path) -> None:
    save_photos(tmp_path / "photos", 2)
    path = _write(tmp_path, """
        representations = ["hog", "dsift", "hog"]
        images = ["photos", "photos/00.png"]
        loss_weight = [1, 20]
        seeds = [0, 3]
        size = [25, 26]
        preset = "nnpreimage"
        steps = 7
        [settings]
        beta = [1.5, 2]
        momentum = 0.5
    """)  # fmt: skip
    study = read_study(path)
    trials = expand(study, Loader(), tmp_path)
    assert study.name == "early"
    found = [(t.representation, t.subject, t.weight, t.constants["beta"], t.seed) for t in trials]
    axes = (["hog", "dsift"], ["00.png", "01.png"], [1, 20], [1.5, 2], [0, 3])
    assert sorted(found) == sorted(itertools.product(*axes))
    photo = (tmp_path / "photos" / "00.png").read_bytes()
    assert trials[0].photo_sha256 == hashlib.sha256(photo).hexdigest()
    expected = NNPREIMAGE.with_steps(7).replace(momentum=0.5, loss_weight=1, beta=1.5)
    assert trials[0].settings == expected
    assert {trial.size for trial in trials} == {(25, 26)}


def test_what_a_study_leaves_open_is_what_invert_would_choose() -> None:
    study = Study(representations=["hog", "efficientnet-lite0/blocks.2"], weights="random")
    hog, block = (t for t in expand(study, Loader()) if t.subject == "chelsea.jpg")
    assert (hog.settings, hog.weights, hog.size) == (CLASSICAL_QUALITIES["fast"], None, None)
    assert (block.settings, block.weights) == (
        NETWORK_QUALITIES["fast"].replace(loss_weight=300), "random",
    )  # fmt: skip


def test_a_study_of_maximizations_is_every_component_with_its_m(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 2)
    trials = make_trials(
        photos, visualization="maximize", representations=["efficientnet-lite0/stem"],
        channels="0,2", weights="random", seeds=[0, 1], steps=7, strength=[1, 5],
    )  # fmt: skip
    found = [(t.component, t.weight, t.seed) for t in trials]
    assert found == list(itertools.product(["0", "2"], [1, 5], [0, 1]))
    assert trials[0].settings == MODERN.with_steps(7).replace(strength=1)
    assert all(trial.maximum for trial in trials)
    assert {(trial.photo, trial.photo_sha256) for trial in trials} == {(None, None)}
    assert len({trial.reference_sha256 for trial in trials}) == 1


def test_caricatures_are_by_default_as_strong_as_those_of_the_command(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 2)
    trials = make_trials(photos, visualization="caricature", steps=7)
    assert [trial.subject for trial in trials] == ["00.png", "01.png"]
    assert trials[0].settings == ANCHORED.with_steps(7).replace(strength=10)


def test_a_star_stands_for_the_main_layers_of_a_network(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 1)
    name = "efficientnet-lite0"
    trials = make_trials(photos, representations=[f"{name}/*"], weights="random")
    layers = network(name, weights="random").main_layers
    assert [t.representation for t in trials] == [f"{name}/{layer}" for layer in layers]


def test_a_copy_of_a_photo_is_the_same_trial(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 1)
    (photos / "copy.png").write_bytes((photos / "00.png").read_bytes())
    assert len(make_trials(photos)) == 1


def test_a_photo_that_is_missing_is_refused_before_anything_is_tried(tmp_path: Path) -> None:
    study = Study(representations=["hog"], images=["gone.png"])
    with pytest.raises(ImageError, match=r"gone\.png: No such file"):
        expand(study, Loader(), tmp_path)


def test_a_folder_without_photos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no images in this folder"):
        expand(Study(representations=["hog"], images=["."]), Loader(), tmp_path)


@pytest.mark.parametrize("value", ["x", -0.5])
def test_a_constant_out_of_range_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"settings\.beta"):
        expand(make_study({"representations": ["hog"], "settings": {"beta": value}}), Loader())


def test_a_limit_takes_the_first_images(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 3)
    assert [trial.subject for trial in make_trials(photos, limit=2)] == ["00.png", "01.png"]


def test_a_study_of_too_many_trials_is_refused_before_they_are_made(tmp_path: Path) -> None:
    hundred = list(range(1, 101))
    keys = {"name": "large", "representations": ["hog"], "limit": 1, "seeds": hundred * 10}
    settings = {"alpha": hundred[1:], "beta": hundred, "pixel_norm": hundred}
    study = make_study(keys | {"settings": settings})
    with pytest.raises(ValueError, match=r"large: 990,000,000 trials .* at most 1,000,000"):
        expand(study, Loader())


def test_a_pipe_is_no_photo_of_a_study(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    study = make_study({"representations": ["hog"], "images": [str(tmp_path / "pipe.png")]})
    with pytest.raises(ImageError, match=r"pipe.png: is a named pipe, not a file"):
        expand(study, Loader())


@pytest.mark.parametrize("size", [32, (32, 40)])
def test_a_mask_that_no_image_of_the_size_has_is_refused(size: int | tuple[int, int]) -> None:
    study = Study(name="early", representations=["hog"], size=size, mask=Mask(window=99))
    with pytest.raises(ValueError, match=r"^early: mask of hog: a window of 99 x 99 does not fit"):
        expand(study, Loader())
    study = Study(name="early", representations=["hog"], size=size, mask=Mask(window=4))
    assert len(expand(study, Loader())) == 9


def test_a_loss_weight_beyond_single_precision_is_refused_in_the_plan() -> None:
    study = Study(name="early", representations=["hog"], loss_weight=[1, 1e300])
    with pytest.raises(ValueError, match=r"^early: settings: loss_weight must be at most 3e\+38"):
        expand(study, Loader())


def test_every_trial_names_the_judges_which_must_be_there(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 2)
    assert [trial.judge for trial in make_trials(photos, judge=[JUDGE])] == [(JUDGE,)] * 2
    with pytest.raises(ValueError, match="unknown network 'vgg'"):
        make_trials(photos, judge=["vgg"])
