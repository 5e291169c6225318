"""A closed or full standard output is never blamed on a photo."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from tests.cli.runner import SMALL, save_photo

from preimage.cli import app
from preimage.cli.output import OutputError, guarded_output


class Failing(io.StringIO):
    """A stream that cannot be written, or only not at its end."""

    def __init__(self, code: int, *, at_end: bool = False) -> None:
        super().__init__()
        self.code, self.at_end = code, at_end

    def write(self, text: str) -> int:
        if not self.at_end:
            raise OSError(self.code, os.strerror(self.code))
        return len(text)

    def flush(self) -> None:
        raise OSError(self.code, os.strerror(self.code))


@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize(
    ("code", "status", "problem"),
    [(errno.ENOSPC, 2, ["error: standard output: No space left on device"]), (errno.EPIPE, 1, [])],
)
@pytest.mark.parametrize("command", ["--help", "--version", "models", "invert"])
def test_an_error_of_standard_output_is_its_own(
    command: str,
    code: int,
    status: int,
    problem: list[str],
    at_end: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    photo, out = save_photo(tmp_path / "in.png"), tmp_path / "out"
    words = [command]
    if command == "invert":
        words += [str(photo), "--rep", "hog", *SMALL, "--out", str(out)]
    stream = Failing(code, at_end=at_end)
    monkeypatch.setattr(sys, "stdout", stream)
    with pytest.raises(SystemExit) as ended:
        app(words, prog_name="preimage")
    assert sys.stdout is stream
    assert ended.value.code == status
    assert capsys.readouterr().err.splitlines() == problem


def test_nothing_is_changed_for_a_good_or_closed_output(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = io.StringIO()
    for given in (stream, None):
        monkeypatch.setattr(sys, "stdout", given)
        with guarded_output():
            typer.echo("text")
        assert sys.stdout is given
    assert stream.getvalue() == "text\n"


def test_errors_of_files_stay_errors_of_files(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BrokenPipeError), guarded_output():
        raise BrokenPipeError
    monkeypatch.setattr(sys, "stdout", Failing(errno.EIO))
    with pytest.raises(OutputError, match="standard output: Input/output error"), guarded_output():
        typer.echo("text")


def test_a_reader_that_has_gone_ends_the_command_quietly() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "preimage", "representations"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=60) == 1
