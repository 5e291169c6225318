"""The command line in this process: fast, with output and errors apart."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from typer.testing import CliRunner

from preimage.cli import app

_PROGRESS = re.compile(r"\d+ of \d+ trials  \d+ failed  ")
SMALL = ("--size", "40x48", "--steps", "3")


@dataclass(frozen=True)
class Outcome:
    """Exit status and the lines printed on both streams."""

    status: int
    output: list[str]
    errors: list[str]


def run(*arguments: str | Path, data: bytes | None = None) -> Outcome:
    """Runs `preimage` with these arguments; an exception that escapes fails the test."""
    result = CliRunner().invoke(app, [str(a) for a in arguments], input=data)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Outcome(result.exit_code, result.stdout.splitlines(), without_progress(result.stderr))


def without_progress(errors: str) -> list[str]:
    """The lines of standard error but those of progress, which slow machines print every minute."""
    return [line for line in errors.splitlines() if not _PROGRESS.match(line)]


def unless_given(defaults: Sequence[str], options: Sequence[str | Path]) -> list[str | Path]:
    """The options, and before them those of the defaults, each with its value, that they lack."""
    pairs = zip(defaults[::2], defaults[1::2], strict=True)
    return [word for pair in pairs if pair[0] not in options for word in pair] + [*options]


def save_photo(path: Path, seed: int = 0, size: tuple[int, int] = (40, 48)) -> Path:
    """A small photo of noise; every seed is another one."""
    pixels = np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def npy(code: np.ndarray) -> bytes:
    """A saved array."""
    file = io.BytesIO()
    np.save(file, code)
    return file.getvalue()
