"""The wheel in an environment that was empty: commands, Python, and messages without an extra."""

from __future__ import annotations

import json
import platform
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.release.environment import ROOT, Environment
from tests.support import pixels_of

import preimage
from preimage.cli import app

TINY = """
import torch, preimage
from torch import nn
from preimage.photo_files import shipped_photos

torch.manual_seed(0)
module = nn.Sequential(nn.Conv2d(3, 4, 5, stride=2), nn.ReLU())
preprocessing = preimage.Preprocessing(mean=(124, 116, 104), std=(58, 57, 57), size=(48, 48))
network = preimage.network(module, preprocessing, name="tiny")
settings = preimage.settings_for(network.layer("1"), "draft")
result = preimage.invert(network.layer("1"), shipped_photos()["chelsea"], settings=settings)
assert result.error[0] < 1
result.grid().save("tiny.png")
"""
PHOTO = "from preimage.photo_files import shipped_photos as p; print(p()['chelsea'])"


def _words(command: Any, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The words of a command and of those below it."""
    below = getattr(command, "commands", {}).items()
    return [above, *(words for name, one in below for words in _words(one, (*above, name)))]


def test_nothing_of_the_repository_is_seen_and_no_compiler(plain: Environment) -> None:
    done = plain.run(
        "python", "-c", "import preimage, shutil; print(preimage.__file__, shutil.which('cc'))"
    )
    file, compiler = done.stdout.split()
    assert not Path(file).is_relative_to(ROOT)
    assert compiler == "None"


def test_without_an_extra_python_inverts_a_layer_of_a_network(plain: Environment) -> None:
    done = plain.run("python", "-W", "error", "-c", TINY)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert pixels_of(plain.work / "tiny.png").std() > 10


def test_without_an_extra_the_command_says_what_to_install(plain: Environment) -> None:
    done = plain.run("preimage", "--version")
    assert done.returncode == 1
    assert re.fullmatch(
        r'error: .+ needs \w+: pip install "preimage\[cli\] @ file:\S+\.whl"\n', done.stderr
    )


def test_the_version_is_that_of_the_source(cli: Environment) -> None:
    done = cli.run("preimage", "--version")
    torch, python = (
        cli.run("python", "-c", "import torch; print(torch.__version__)"),
        platform.python_version(),
    )
    line = f"preimage {preimage.__version__}, torch {torch.stdout.strip()}, Python {python}\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, line, "")


def test_every_command_has_help(cli: Environment) -> None:
    commands = _words(typer.main.get_command(app))
    assert ("audit", "codes") in commands
    for words in commands:
        done = cli.run("preimage", *words, "--help")
        assert (done.returncode, done.stderr) == (0, ""), words
        assert " ".join(["Usage: preimage", *words]) in done.stdout


def test_a_shipped_photo_is_inverted_from_hog(cli: Environment) -> None:
    photo = cli.run("python", "-c", PHOTO).stdout.strip()
    done = cli.run("preimage", "invert", photo, "--rep", "hog", "--size", "128", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["error"] < 0.3
    assert pixels_of(cli.work / "preimages/chelsea.hog.png").shape[:2] == (96, 128)


def test_the_table_of_networks_is_printed(cli: Environment) -> None:
    done = cli.run("preimage", "models")
    assert (done.returncode, done.stderr) == (0, "")
    assert "efficientnet-lite0" in done.stdout


COMPLETE = {
    "bash": """source ~/.bashrc
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_preimage_completion preimage; printf '%s\\n' "${{COMPREPLY[@]}}" """,
    "fish": "complete -C '{typed}'",
    "zsh": """compdef() {{ }}; _arguments() {{ print -l -- "$@" }}
words=({words}); CURRENT=$#words
source ~/.zfunc/_preimage; _preimage_completion""",
}
"""The completion of each shell at Tab; zsh prints what it would show."""


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("preimage inv", "invert"), ("preimage invert --qu", "--quality"), ("preimage study ", "run")],
)
@pytest.mark.parametrize("shell", sorted(COMPLETE))
def test_a_shell_completes_commands_and_options_in_an_empty_home(
    shell: str, typed: str, offered: str, cli: Environment, tmp_path: Path
) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is missing")
    words = " ".join(f"'{word}'" for word in typed.split(" "))
    tab = COMPLETE[shell].format(typed=typed, words=words)
    variables = {"HOME": str(tmp_path), "PATH": f"{cli.programs}:/usr/bin:/bin"}
    for script in ("preimage --install-completion; true", tab):
        done = cli.run(program, "-c", script, **variables)
        assert (done.returncode, done.stderr) == (0, "")
    assert offered in done.stdout
