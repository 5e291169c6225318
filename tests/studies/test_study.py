"""A study in TOML: what it expands to, and what is wrong with it in one line."""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path

import pytest
from tests.study_files import make_trials, save_photos

from preimage.catalog import network
from preimage.images import ImageError
from preimage.presets import CLASSICAL_QUALITIES, MODERN, NETWORK_QUALITIES, NNPREIMAGE
from preimage.studies.loading import Loader
from preimage.studies.study import Study, read_study

_MAXIMIZE = 'representations = ["hog"]\nvisualization = "maximize"\n'


def _write(folder: Path, text: str) -> Path:
    path = folder / "early.toml"
    path.write_text(text)
    return path


def test_a_study_is_every_combination_once(tmp_path: Path) -> None:
    save_photos(tmp_path / "photos", 2)
    path = _write(tmp_path, """
        representations = ["hog", "dsift", "hog"]
        photos = ["photos", "photos/00.png"]
        loss_weights = [1, 20]
        seeds = [0, 3]
        size = [25, 26]
        preset = "nnpreimage"
        steps = 7
        [settings]
        beta = [1.5, 2]
        momentum = 0.5
    """)  # fmt: skip
    study = read_study(path)
    trials = study.trials(Loader(), tmp_path)
    assert study.name == "early"
    found = [
        (t.representation, Path(t.photo).name, t.settings.loss_weight, t.settings.beta, t.seed)
        for t in trials
    ]
    axes = (["hog", "dsift"], ["00.png", "01.png"], [1, 20], [1.5, 2], [0, 3])
    assert sorted(found) == sorted(itertools.product(*axes))
    photo = (tmp_path / "photos" / "00.png").read_bytes()
    assert trials[0].photo_sha256 == hashlib.sha256(photo).hexdigest()
    expected = NNPREIMAGE.with_steps(7).replace(momentum=0.5, loss_weight=1, beta=1.5)
    assert trials[0].settings == expected
    assert {trial.size for trial in trials} == {(25, 26)}


def test_what_a_study_leaves_open_is_what_invert_would_choose() -> None:
    study = Study(representations=["hog", "efficientnet-lite0/blocks.2"], weights="random")
    hog, block = (t for t in study.trials(Loader()) if t.photo.endswith("chelsea.jpg"))
    assert (hog.settings, hog.weights, hog.size) == (CLASSICAL_QUALITIES["fast"], None, None)
    assert (block.settings, block.weights) == (
        NETWORK_QUALITIES["fast"].replace(loss_weight=300), "random",
    )  # fmt: skip


def test_a_study_of_maximizations_is_every_component_with_its_m(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 2)
    trials = make_trials(
        photos, visualization="maximize", representations=["efficientnet-lite0/stem"],
        channels=[0, 2], weights="random", seeds=[0, 1], steps=7, loss_weights=[1, 5],
    )  # fmt: skip
    found = [(str(t.component), t.settings.strength, t.seed) for t in trials]
    assert found == list(itertools.product(["0", "2"], [1, 5], [0, 1]))
    assert trials[0].settings == MODERN.with_steps(7).replace(strength=1)
    assert all(trial.maximum for trial in trials)
    assert {(trial.photo, trial.photo_sha256) for trial in trials} == {("", "")}
    assert len({trial.maximum_sha256 for trial in trials}) == 1


def test_caricatures_are_by_default_as_strong_as_those_of_the_command(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 2)
    trials = make_trials(photos, visualization="caricature", steps=7)
    assert [trial.subject for trial in trials] == ["00.png", "01.png"]
    assert trials[0].settings == NNPREIMAGE.with_steps(7).replace(strength=10)


def test_a_star_stands_for_the_main_layers_of_a_network(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 1)
    name = "efficientnet-lite0"
    trials = make_trials(photos, representations=[f"{name}/*"], weights="random")
    layers = network(name, "random").main_layers
    assert [t.representation for t in trials] == [f"{name}/{layer}" for layer in layers]


def test_a_copy_of_a_photo_is_the_same_trial(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 1)
    (photos / "copy.png").write_bytes((photos / "00.png").read_bytes())
    assert len(make_trials(photos)) == 1


def test_photos_that_are_missing_keep_apart(tmp_path: Path) -> None:
    study = Study(representations=["hog"], photos=["gone.png", "lost.png"])
    trials = study.trials(Loader(), tmp_path)
    assert len({trial.key for trial in trials}) == 2


def test_a_folder_without_photos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no images in this folder"):
        Study(representations=["hog"], photos=["."]).trials(Loader(), tmp_path)


@pytest.mark.parametrize(("text", "problem"), [
    ("representations = 1 2", "not TOML: .*line 1"),
    ("seeds = [0]", "representations is missing"),
    ('representation = ["hog"]', "'representation': did you mean 'representations'"),
    ('representations = ["hog"]\n[settings]\nbeta = "a"', "beta must be a number, not 'a'"),
    ('representations = ["hog"]\n[settings]\nparameterization = 1', "must be a text, not 1"),
    ('representations = ["hog"]\nseed = 1', "unknown key 'seed': did you mean 'seeds'"),
    ('representations = ["hog"]\nseeds = ["x"]', "seeds.0: .*valid integer"),
    ('representations = ["hog"]\nseeds = []', "seeds: .*at least 1 item"),
    ('representations = ["hog"]\nloss_weights = [-1]', "loss_weights.0: .*greater than or equal"),
    ('representations = ["hog"]\nquality = "good"', "unknown quality 'good': there are draft"),
    ('representations = ["hog"]\nquality = "fast"\npreset = "paper"', "give either quality or"),
    ('representations = ["hog"]\n[settings]\nbetta = 2', "'betta': did you mean 'beta'"),
    ('representations = ["hog"]\n[mask]\nwindows = 2', "'windows': did you mean 'window'"),
    ('representations = ["hog"]\nvisualization = "dream"', "visualization: .*'maximize'"),
    ('representations = ["hog"]\nchannels = "all"', "channels: not for visualization = 'invert'"),
    ('representations = ["hog"]\nvisualization = "maximize"', "say what to maximize"),
    (f'{_MAXIMIZE}channels = "1-x"', "channels must be like 0-24"),
    (f'{_MAXIMIZE}channels = [-1]', "channels.0: .*greater than or equal"),
    (f'{_MAXIMIZE}channels = [1]\nquality = "fast"', "quality: not for visualization"),
    (f'{_MAXIMIZE}channels = [1]\npreset = "best"', "unknown preset 'best': there are modern"),
    (f'{_MAXIMIZE}neurons = [[1, 2]]', "neurons.0.2 is missing"),
])  # fmt: skip
def test_a_bad_study_has_one_clear_line(text: str, problem: str, tmp_path: Path) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(ValueError, match=problem) as caught:
        read_study(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", ["x", 0.5])
def test_a_constant_out_of_range_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="settings: "):
        Study(representations=["hog"], settings={"beta": value}).trials(Loader())
