"""A study in TOML: what it expands to, and what is wrong with it in one line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from preimage.studies.study import read_study

_HOG = 'representations = ["hog"]\n'
_MAXIMIZE = 'representations = ["hog"]\nvisualization = "maximize"\n'


def _write(folder: Path, text: str) -> Path:
    path = folder / "early.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("text", "problem"), [
    ("representations = 1 2", "not TOML: .*line 1"),
    ("seeds = [0]", "representations is missing"),
    ('representation = ["hog"]', "'representation': did you mean 'representations'"),
    ('representations = ["hog"]\n[settings]\nbeta = "a"', "beta must be a number, not 'a'"),
    ('representations = ["hog"]\n[settings]\nparameterization = 1',
     "settings.parameterization must be 'pixels' or 'fourier', not 1"),
    ('representations = ["hog"]\nseed = 1', "unknown key 'seed': did you mean 'seeds'"),
    ('representations = ["hog"]\nseeds = ["x"]', r"seeds\[0\] must be an integer, not 'x'"),
    ('representations = ["hog"]\nseeds = []', r"seeds must be a list of at least 1, not \[\]"),
    (f'{_HOG}size = "32"', r"size must be a number of pixels, .* not '32'$"),
    (f'{_HOG}size = ["32", 40]', r"size must be a number of pixels, .* not \['32', 40\]$"),
    (f'{_HOG}steps = "5"', "steps: must be a number, not the text '5'$"),
    (f'{_HOG}limit = "5"', "limit: must be a number, not the text '5'$"),
    (f'{_HOG}seeds = ["5"]', "seeds: must be a number, not the text '5'$"),
    (f'{_HOG}loss_weight = ["2.5"]', "loss_weight: must be a number, not the text '2.5'$"),
    (f'{_HOG}[mask]\nwindow = "3"', "mask: must be a number, not the text '3'$"),
    (f'{_MAXIMIZE}neurons = [["3", "cls"]]', r"neurons must be a list of \[channel"),
    (f"{_HOG}[settings]\njitter = 99999999", "settings.jitter: jitter must be at most 4096"),
    (f"{_HOG}[settings]\npixel_norm = 1e300", "settings.pixel_norm: pixel_norm must be at most"),
    (f"{_HOG}images = []", r"images must be a list of at least 1, not \[\]$"),
    (f"{_HOG}[settings]\nbeta = []", r"settings.beta must be a list of at least 1, not \[\]$"),
    (f"{_HOG}[settings]\nstages = []", r"settings: unknown key 'stages'"),
    (f'{_MAXIMIZE}channels = "0"\nreference = []', "reference must be a list of at least 1"),
    (f'{_MAXIMIZE}channels = "0"\nclasses = []', "classes must be a list of at least 1"),
    (f'{_MAXIMIZE}channels = "0"\nneurons = []', r"neurons must be a list of \[channel"),
    (f'{_MAXIMIZE}channels = "0"\nstrength = []', "strength must be a list of at least 1"),
    ('representations = ["hog"]\nloss_weight = [-1]',
     r"loss_weight\[0\] must be at least 0, not -1"),
    ('representations = ["hog"]\nquality = "good"', "unknown quality 'good': there are draft"),
    ('representations = ["hog"]\nquality = "fast"\npreset = "paper"', "give either quality or"),
    ('representations = ["hog"]\n[settings]\nbetta = 2', "'betta': did you mean 'beta'"),
    ('representations = ["hog"]\n[mask]\nwindows = 2', "'windows': did you mean 'window'"),
    ('representations = ["hog"]\nvisualization = "dream"',
     "visualization must be 'invert', 'maximize' or 'caricature', not 'dream'"),
    ('representations = ["hog"]\nchannels = "all"', "channels: not for visualization = 'invert'"),
    ('representations = ["hog"]\nstrength = 3', "strength: not for visualization = 'invert'"),
    ('representations = ["hog"]\nreference = ["a"]', "reference: not for visualization"),
    ('representations = ["hog"]\nlimit = 0', "limit must be greater than 0, not 0"),
    ('representations = ["hog"]\nvisualization = "maximize"', "nothing to maximize"),
    (f'{_MAXIMIZE}channels = "1"\nimages = ["a"]', "images: not for visualization = 'maximize'"),
    (f'{_MAXIMIZE}channels = "1-x"', "channels must be like 0-24"),
    (f'{_MAXIMIZE}channels = [1]', r"channels must be a text, not \[1\]"),
    (f'{_MAXIMIZE}channels = "1"\nquality = "fast"', "quality: not for visualization"),
    (f"{_HOG}diversity = 2", "diversity: not for visualization = 'invert'"),
    (f'{_MAXIMIZE}channels = "1"\ndiversity = 2', "diversity needs at least two seeds"),
    (f'{_MAXIMIZE}channels = "1"\nseeds = [3, 3]\ndiversity = 2', "at least two seeds"),
    (f'{_MAXIMIZE}channels = "1"\ndiversity = -1', "diversity must be at least 0, not -1"),
    (f'{_MAXIMIZE}channels = "1"\npreset = "best"', "unknown preset 'best': there are modern"),
    (f'{_MAXIMIZE}neurons = [[1, 2]]',
     r"neurons must be a list of \[channel, row, column\] or \[channel, token\], not \[\[1, 2\]\]"),
])  # fmt: skip
def test_a_bad_study_has_one_clear_line(text: str, problem: str, tmp_path: Path) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(ValueError, match=problem) as caught:
        read_study(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("text", "problem"), [
    ('representations = "hog"', "representations must be a list, not 'hog'"),
    ("representations = []", r"representations must be a list of at least 1, not \[\]"),
    ("representations = [1]", r"representations\[0\] must be a text, not 1"),
    (f'{_HOG}images = 5', "images must be a list, not 5"),
    (f'{_HOG}name = 1979-05-27', r"name must be a text, not datetime.date\(1979, 5, 27\)"),
    (f'{_HOG}name = "a\\nb"', r"name: must be a text in one line, not 'a\\nb'"),
    (f'{_HOG}images = ["a\\u0000b"]', r"images: must not hold a null character, as 'a\\x00b' does"),
    (f'{_HOG}seeds = true', "seeds: must not be true or false"),
    (f'{_HOG}seeds = [1.5]', r"seeds\[0\] must be an integer, not 1.5"),
    (f'{_HOG}seeds = [18446744073709551616]', r"seeds\[0\] must be less than 9223372036854775808"),
    (f'{_HOG}steps = "many"', "steps must be an integer, not 'many'"),
    (f'{_HOG}limit = 1e99', "limit must be an integer of usual size, not 1e\\+99"),
    (f'{_HOG}size = [1, 2, 3]', r"size must be a number of pixels, .* not \[1, 2, 3\]"),
    (f'{_HOG}size = "big"', r"size must be a number of pixels, .* not 'big'"),
    (f'{_HOG}size = true', r"size must be a number of pixels, .* not true"),
    (f'{_HOG}size = -3', r"size must be a number of pixels, .* not -3"),
    (f'{_HOG}loss_weight = [inf]', r"loss_weight\[0\] must be a finite number, not inf"),
    (f'{_HOG}loss_weight = nan', r"loss_weight\[0\] must be a finite number, not nan"),
    (f'{_HOG}mask = 3', "mask must be a table, not 3"),
    (f'{_HOG}settings = 3', "settings must be a table, not 3"),
    (f'{_HOG}[mask]\nwindow = "x"', "mask.window must be an integer, not 'x'"),
    (f'{_HOG}[mask]\nwindow = 0', "mask: a window has a side of 1 or more responses, not 0"),
    (f'{_HOG}[settings]\nmax_pixel_norm = inf', "settings.max_pixel_norm must be a finite number"),
    (f'{_HOG}[settings]\ngradient_norm = inf', "settings.gradient_norm must be a finite number"),
    (f'{_HOG}[settings]\nalpha = [6, nan]', "settings.alpha must be a finite number, not nan"),
    (f'{_HOG}[settings]\nalpha = 0x1{"0" * 400}', "settings.alpha must be below 2147483648"),
    (f'{_HOG}[settings]\nalpha = -6', "settings.alpha: alpha must be at least 2"),
    (f'{_HOG}[settings]\npixel_norm = 0',
     "settings.pixel_norm: pixel_norm must be positive, not 0"),
    (f'{_HOG}[settings]\njitter = 1.5', "settings.jitter must be an integer, not 1.5"),
    (f'{_HOG}[settings]\njitter = true', "settings.jitter must be an integer, not true"),
    (f'{_HOG}[settings]\nbeta = 2020-01-01', "settings.beta must be a number, not datetime.date"),
    (f'{_HOG}[settings]\nbeta = [[1]]', r"settings.beta must be a number, not \[1\]"),
    (f'{_HOG}[settings]\niterations = 9999999999', "settings.iterations must be below 2147483648"),
    (f'{_MAXIMIZE}strength = inf\nchannels = "1"',
     r"strength\[0\] must be a finite number, not inf"),
    (f'{_MAXIMIZE}channels = "0-999999999999"', "channels: channel 999999999999 is too large"),
    (f'{_HOG}{_HOG}', "not TOML: Cannot overwrite a value"),
    (f'{_HOG}steps = {"[" * 5000}', "not TOML: its brackets are nested too deeply"),
    (f'{_HOG}steps = {"{a=" * 5000}', "not TOML: its brackets are nested too deeply"),
    (f'{_HOG}steps = {"[" * 200}{"]" * 200}', r"steps must be an integer, not \[\["),
    (f'{_HOG}{".".join("a" * 3000)} = 1', "unknown key 'a': "),
    (f'{_HOG}steps = {"9" * 5000}', "not TOML: .*4300 digits"),
    (f'{_HOG}steps = 0x{"f" * 5000}',
     "steps must be less than 2147483648, not an integer of thousands"),
    (f'{_HOG}name = "\0"', "not TOML: Illegal character"),
    (f'{_HOG}{"x" * 9999} = 1', r"unknown key 'x{200}\.\.\.': there are name, "),
    (f'{_HOG}[[settings]]\nbeta = 1', "settings must be a table, not "),
    ("[representations]", "representations must be a list, not {}"),
    ("", "representations is missing"),
])  # fmt: skip
def test_wrong_values_are_told_with_their_place_and_what_was_expected(
    text: str, problem: str, tmp_path: Path
) -> None:
    test_a_bad_study_has_one_clear_line(text, problem, tmp_path)


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\xff\xfe", b"\xff\xfe[\x00"])
def test_a_binary_file_is_no_study(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "early.toml"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"early.toml: not TOML: it is not UTF-8 text"):
        read_study(path)


def test_a_folder_a_pipe_and_a_missing_file_are_no_study(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        read_study(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_study(tmp_path / "gone.toml")
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match=r"is a named pipe, not a file: .*pipe.toml"):
        read_study(pipe)


def test_constants_of_every_type_are_taken(tmp_path: Path) -> None:
    text = f"{_HOG}[settings]\nscale_rate_by_area = [true, false]\njitter = 2\nbeta = [1, 1.5]"
    settings = read_study(_write(tmp_path, f'{text}\nparameterization = "fourier"')).settings
    assert settings == {
        "scale_rate_by_area": [True, False], "jitter": 2, "beta": [1, 1.5],
        "parameterization": "fourier",
    }  # fmt: skip


def test_a_byte_order_mark_and_names_of_any_script_are_read(tmp_path: Path) -> None:
    path = _write(tmp_path, f'\ufeff{_HOG}name = "Früh \u6f22"')
    assert read_study(path).name == "Früh \u6f22"


def test_a_single_number_stands_for_a_list_of_one(tmp_path: Path) -> None:
    path = _write(tmp_path, 'representations = ["hog"]\nloss_weight = 20\nseeds = 3')
    study = read_study(path)
    assert (study.loss_weight, study.seeds, study.name) == ([20], [3], "early")
