"""The log of a run: a line for each trial, with its numbers."""

from __future__ import annotations

import dataclasses
import io
import os
import time
from pathlib import Path

import pytest
from rich.console import Console
from tests.study_files import MEASURES, make_outcome, make_trials, save_photos

from preimage.cli import progress as module
from preimage.cli.screen import open_screen
from preimage.studies.measures import Measures
from preimage.studies.outcome import Failure


def test_the_log_has_a_line_for_each_trial_with_the_numbers_there_are(tmp_path: Path) -> None:
    trials = make_trials(save_photos(tmp_path / "photos", 3))
    done = [make_outcome(trial) for trial in trials]
    hoggle = Measures(seconds=2, error=0.5)
    maximization = dataclasses.replace(MEASURES, error=None, response=3.25)
    with open_screen(trials, tmp_path / "log", "a: 3 trials") as screen:
        screen.report(dataclasses.replace(done[0], measures=hoggle))
        screen.report(dataclasses.replace(done[1], measures=maximization))
        screen.report(Failure(trials[2].key, "why"))
    lines = [line.split(" ", 3)[3] for line in (tmp_path / "log").read_text().splitlines()]
    names = [f"{trial.key} {trial.description}" for trial in trials]
    assert lines == [
        "a: 3 trials",
        f"done {names[0]}: error 50.0 %, 2.00 s",
        f"done {names[1]}: response 3.25, energy 1.5, 0.10 s",
        f"failed {names[2]}: why",
    ]


@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_file_gets_a_line_of_progress_every_minute_and_a_terminal_none(
    is_terminal: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = make_trials(save_photos(tmp_path / "photos", 4))
    shown, clock = io.StringIO(), [0.0]
    console = Console(file=shown, force_terminal=is_terminal, color_system=None, width=200)
    monkeypatch.setattr(module, "console", console)
    for name in ("perf_counter", "monotonic"):
        monkeypatch.setattr(time, name, lambda: clock[0])
    with open_screen(trials, tmp_path / "log", "a: 4 trials") as screen:
        for trial, clock[0] in zip(trials, (30.0, 61.0, 90.0, 125.0), strict=True):
            screen.report(Failure(trial.key, "why"))
    lines = [line for line in shown.getvalue().splitlines() if "of 4 trials" in line]
    expected = [("2 of 4", "1.97"), ("4 of 4", "1.92")]
    assert [line.split("  failed: ")[0] for line in lines] == [
        f"{done} trials  {done[0]} failed  {rate} a minute"
        for done, rate in ([] if is_terminal else expected)
    ]


def test_a_log_that_is_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    log = tmp_path / "study.log"
    os.mkfifo(log)
    with pytest.raises(OSError, match="is a named pipe, not a file"), open_screen([], log, "title"):
        pass
