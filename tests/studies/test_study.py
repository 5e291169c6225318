"""A study in TOML: what it expands to, and what is wrong with it in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from preimage.studies.study import read_study

_MAXIMIZE = 'representations = ["hog"]\nvisualization = "maximize"\n'


def _write(folder: Path, text: str) -> Path:
    path = folder / "early.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(("text", "problem"), [
    ("representations = 1 2", "not TOML: .*line 1"),
    ("seeds = [0]", "representations is missing"),
    ('representation = ["hog"]', "'representation': did you mean 'representations'"),
    ('representations = ["hog"]\n[settings]\nbeta = "a"', "beta must be a number, not 'a'"),
    ('representations = ["hog"]\n[settings]\nparameterization = 1', "must be a text, not 1"),
    ('representations = ["hog"]\nseed = 1', "unknown key 'seed': did you mean 'seeds'"),
    ('representations = ["hog"]\nseeds = ["x"]', "seeds.0: .*valid integer"),
    ('representations = ["hog"]\nseeds = []', "seeds: .*at least 1 item"),
    ('representations = ["hog"]\nloss_weight = [-1]', "loss_weight.0: .*greater than or equal"),
    ('representations = ["hog"]\nquality = "good"', "unknown quality 'good': there are draft"),
    ('representations = ["hog"]\nquality = "fast"\npreset = "paper"', "give either quality or"),
    ('representations = ["hog"]\n[settings]\nbetta = 2', "'betta': did you mean 'beta'"),
    ('representations = ["hog"]\n[mask]\nwindows = 2', "'windows': did you mean 'window'"),
    ('representations = ["hog"]\nvisualization = "dream"', "visualization: .*'maximize'"),
    ('representations = ["hog"]\nchannels = "all"', "channels: not for visualization = 'invert'"),
    ('representations = ["hog"]\nstrength = 3', "strength: not for visualization = 'invert'"),
    ('representations = ["hog"]\nreference = ["a"]', "reference: not for visualization"),
    ('representations = ["hog"]\nlimit = 0', "limit: .*greater than 0"),
    ('representations = ["hog"]\nvisualization = "maximize"', "nothing to maximize"),
    (f'{_MAXIMIZE}channels = "1"\nimages = ["a"]', "images: not for visualization = 'maximize'"),
    (f'{_MAXIMIZE}channels = "1-x"', "channels must be like 0-24"),
    (f'{_MAXIMIZE}channels = [1]', "channels: .*valid string"),
    (f'{_MAXIMIZE}channels = "1"\nquality = "fast"', "quality: not for visualization"),
    (f'{_MAXIMIZE}channels = "1"\npreset = "best"', "unknown preset 'best': there are modern"),
    (f'{_MAXIMIZE}neurons = [[1, 2]]', "neurons.0.2 is missing"),
])  # fmt: skip
def test_a_bad_study_has_one_clear_line(text: str, problem: str, tmp_path: Path) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(ValueError, match=problem) as caught:
        read_study(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_single_number_stands_for_a_list_of_one(tmp_path: Path) -> None:
    path = _write(tmp_path, 'representations = ["hog"]\nloss_weight = 20\nseeds = 3')
    study = read_study(path)
    assert (study.loss_weight, study.seeds, study.name) == ([20], [3], "early")
