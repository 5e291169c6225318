"""The real entry point, `python -m preimage`, and what is imported when."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
import typer

import preimage
from preimage.cli import app
from preimage.extras import install_command
from tests.cli.runner import run, save_photo
from tests.support import pixels_of

HEAVY = "{'torch', 'numpy', 'PIL', 'matplotlib', 'sqlite3', 'scipy'}"
UNNEEDED = (
    "{'sympy', 'matplotlib', 'sqlite3', 'torchvision', 'timm', 'transformers', 'skimage',"
    " 'torch._dynamo', 'torch._inductor', 'preimage.studies', 'preimage.sweeps'}"
)
"""What takes long to import, and an inversion of HOG has no use for."""


def _python(
    *arguments: str | Path, data: bytes = b"", environment: Mapping[str, str] | None = None
) -> tuple[int, list[str], list[str]]:
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        input=data,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout.decode().splitlines(), done.stderr.decode().splitlines()


def _commands(group: typer.Typer, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The words of every command and group of commands."""
    names = [
        command.name or command.callback.__name__.replace("_", "-")
        for command in group.registered_commands
        if command.callback is not None
    ]
    groups = [
        words
        for nested in group.registered_groups
        if nested.typer_instance is not None
        for words in _commands(nested.typer_instance, (*path, str(nested.name)))
    ]
    return [path, *((*path, name) for name in names), *groups]


def test_import_preimage_imports_nothing_heavy() -> None:
    code = f"import sys, preimage; dir(preimage); print({HEAVY} & set(sys.modules))"
    assert _python("-c", code) == (0, ["set()"], [])


def test_help_and_version_import_nothing_heavy() -> None:
    calls = [(*words, "--help") for words in _commands(app)] + [("--version",)]
    assert ("reproduce", "fig3", "--help") in calls
    assert ("study", "run", "--help") in calls
    code = f"""
import sys
from typer.testing import CliRunner
from preimage.cli import app
for words in {calls}:
    result = CliRunner().invoke(app, words)
    heavy = {HEAVY} & set(sys.modules)
    if result.exit_code or heavy or not result.stdout:
        print(words, result.exit_code, heavy)
"""
    assert _python("-c", code) == (0, [], [])


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("preimage inv", "invert"), ("preimage invert --qu", "--quality"), ("preimage study ", "run")],
)
def test_completion_imports_nothing_heavy(typed: str, expected: str) -> None:
    code = f"""
import sys
sys.argv = ["preimage"]
from preimage.__main__ import main
try:
    main()
finally:
    print({HEAVY} & set(sys.modules), file=sys.stderr)
"""
    words = str(len(typed.split(" ")) - 1)
    environment = {"_PREIMAGE_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": words}
    status, output, errors = _python("-c", code, environment=environment)
    assert (status, errors) == (0, ["set()"])
    assert expected in output


def test_a_representation_imports_nothing_heavier_than_torch_and_numpy() -> None:
    code = (
        "import sys, preimage; preimage.representation('hog');"
        "print(*{'PIL', 'scipy', 'matplotlib', 'typer', 'rich', 'skimage'} & set(sys.modules))"
    )
    assert _python("-c", code) == (0, [""], [])


def test_an_inversion_of_hog_imports_no_library_that_it_does_not_need(tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "a.png")
    code = f"""
import sys
sys.argv = ["preimage", "invert", {str(photo)!r}, "--rep", "hog", "--out", {str(tmp_path)!r}]
from preimage.__main__ import main
try:
    main()
finally:
    print({UNNEEDED} & set(sys.modules), file=sys.stderr)
"""
    environment = {"NUMBA_DISABLE_JIT": "1"}  # else numba compiles at the first run
    status, output, errors = _python("-c", code, environment=environment)
    assert (status, len(output), errors) == (0, 1, ["set()"])


def test_without_typer_the_command_says_what_to_install() -> None:
    code = "import sys; sys.modules['typer'] = None; from preimage.__main__ import main; main()"
    status, output, errors = _python("-c", code)
    assert status != 0
    assert output == []
    assert errors == [f"error: the command line needs typer: {install_command('cli')}"]


def test_the_version_is_printed_with_those_of_torch_and_python() -> None:
    own, python = preimage.__version__, platform.python_version()
    status, (line,), errors = _python("-m", "preimage", "--version")
    assert (status, errors) == (0, [])
    first, second, third = line.split(", ")
    assert (first, third) == (f"preimage {own}", f"Python {python}")
    release = torch.__version__.partition("+")[0]
    assert second.partition("+")[0] == f"torch {release}"  # the build is not always named


def test_good_and_bad_inputs_and_standard_input_in_one_command(tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "a.png")
    bad = tmp_path / "b.png"
    bad.write_text("no image")
    out = tmp_path / "out"
    options = ("--rep", "hog", "--out", out, "--steps", "3", "--json")
    status, output, errors = _python(
        "-m", "preimage", "invert", photo, bad, "-", *options, data=photo.read_bytes()
    )
    assert status == 2
    assert [json.loads(line)["input"] for line in output] == [str(photo), "-"]
    assert errors == [f"error: {bad}: not an image that Pillow can open"]
    assert (pixels_of(out / "a.hog.png") == pixels_of(out / "stdin.hog.png")).all()


def test_a_name_that_the_output_has_no_letters_for_is_printed_with_escapes(tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "\u0141.png")
    arguments = ("--rep", "hog", "--size", "32", "--steps", "1", "--out", tmp_path)
    as_on_windows = {"PYTHONIOENCODING": "cp1252"}
    status, lines, errors = _python(
        "-m", "preimage", "invert", photo, *arguments, environment=as_on_windows
    )
    assert (status, errors) == (0, [])
    assert "\\u0141.png" in lines[0]
    assert (tmp_path / "\u0141.hog.png").exists()


def test_the_demo_writes_its_picture_and_prints_its_table(tmp_path: Path) -> None:
    out = tmp_path / "demo.png"
    status, output, errors = _python("-m", "preimage", "demo", "--out", out)
    assert (status, errors) == (0, [])
    assert pixels_of(out).shape > (2 * 288, 2 * 384)
    cells = {words[1]: words for words in (line.split() for line in output) if len(words) > 5}
    for name, most in (("hog", 45), ("hogb", 15), ("dsift", 12)):
        assert 0 < float(cells[name][3]) < most
    assert output[-1] == f"wrote {out}"


@pytest.mark.parametrize("command", [(), ("reproduce",), ("study",)])
def test_without_a_command_there_is_help(command: tuple[str, ...]) -> None:
    outcome = run(*command)
    assert "Usage" in "".join(outcome.output + outcome.errors)


def test_a_warning_is_one_line_on_standard_error(tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(
        "from torch import nn\n"
        "class Random(nn.Module):\n"
        "    def forward(self, x):\n"
        "        return nn.functional.dropout(x)\n"
        "def network():\n"
        "    return nn.Sequential(nn.Conv2d(3, 4, 3), Random())\n"
    )
    photo = save_photo(tmp_path / "in.png")
    options = ("--size", "16x20", "--steps", "2", "--out", str(tmp_path))
    status, _, errors = _python(
        "-m", "preimage", "invert", photo, "--rep", "import:odd.network/1", *options,
        environment={"PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"},
    )  # fmt: skip
    assert status == 0
    (line,) = errors
    assert line.startswith("warning: import:odd.network gives two results for one image, ")


@pytest.mark.parametrize("seconds", [0.15, 0.4, 1.2])
def test_ctrl_c_in_the_first_seconds_ends_with_one_line(seconds: float, tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "a.png", size=(300, 400))
    words = ("invert", photo, "--rep", "hog", "--preset", "paper", "--out", tmp_path / "out")
    process = subprocess.Popen(
        [sys.executable, "-m", "preimage", *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert len(errors.splitlines()) == 1
    assert errors.startswith("interrupted")
