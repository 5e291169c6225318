"""A folder in which pages and examples run quickly: small photos, few steps, no processes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image

import preimage
from preimage import photo_files
from preimage.cli import app
from preimage.optimizer import Minimum, minimize
from preimage.settings import Settings
from preimage.solver_settings import Algorithm1
from preimage.visualizations import solve
from tests.cli.runner import npy, run

NAMES = ("chelsea", "coffee", "china", "flower")
_FEW_STEPS, _SMALL = 2, 160
_A_STUDY = 'representations = ["hog"]\nsize = 64\n'


def options_of(words: Sequence[str]) -> set[str]:
    """The options of the command that the first words name."""
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        command, words = command.commands[words[0]], words[1:]
    return {option for parameter in command.params for option in parameter.opts}


def run_here(words: Sequence[str]) -> None:
    """Run a command in this process, which must succeed without an error.

    On a slow machine it may say how much time is left.
    """
    takes_workers = "--workers" in options_of(words) and "--workers" not in words
    in_process = ["--workers", "1"] if takes_workers else []
    outcome = run(*words, *in_process)
    errors = [line for line in outcome.errors if " left; " not in line]
    assert (outcome.status, errors) == (0, []), (words, outcome.status, errors)


def shorten(folder: Path, patch: pytest.MonkeyPatch, names: Sequence[str] = NAMES) -> None:
    """Go to a folder with small photos, a code and a study; optimizations end after two steps.

    The package then ships the small photos alone.
    """
    patch.chdir(folder)
    shipped = photo_files.shipped_photos()
    small = {name: folder / f"src/preimage/photos/{name}.jpg" for name in names}
    for place in ("photos", "src/preimage/photos"):
        (folder / place).mkdir(parents=True)
        for name in names:
            with Image.open(shipped[name]) as photo:
                photo.thumbnail((_SMALL, _SMALL))
                photo.save(folder / place / f"{name}.jpg")
    patch.setattr(photo_files, "shipped_photos", lambda: small)
    Path("photo.jpg").write_bytes(Path("photos/chelsea.jpg").read_bytes())
    code = np.random.default_rng(0).random(preimage.HOG().code_shape(240, 320))
    Path("code.npy").write_bytes(npy(code))
    Path("study.toml").write_text(_A_STUDY)

    def shortly(objective: Any, start: Any, settings: Settings, *rest: Any, **more: Any) -> Minimum:
        settings = settings.with_steps(_FEW_STEPS)
        if isinstance(settings.solver, Algorithm1):
            settings = settings.replace(final_iterations=0)
        return minimize(objective, start, settings, *rest, **more)

    patch.setattr(solve, "minimize", shortly)
