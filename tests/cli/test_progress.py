"""The progress bar."""

from __future__ import annotations

import io
import itertools
from types import SimpleNamespace

import pytest
from rich.console import Console
from tests.support import random_image

import preimage
from preimage.cli import progress


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A terminal that keeps what is shown."""
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, color_system=None, width=120)
    monkeypatch.setattr(progress, "console", console)
    return shown


def test_steps_are_shown_with_the_energy(terminal: io.StringIO) -> None:
    photo = random_image(32, 32) / 255 + 0.5
    with progress.progress_bar() as bar:
        preimage.invert(preimage.HOG(), photo, quality="draft", progress=bar.for_steps("a hog"))
    shown = terminal.getvalue()
    assert "a hog" in shown
    assert "20/20" in shown
    assert "energy " in shown


def test_images_and_bytes_are_counted(terminal: io.StringIO) -> None:
    with progress.progress_bar() as bar:
        bar.for_images("vgg-m")(3, 9)
    with progress.progress_bar() as bar:
        bar.start("alexnet")
        bar.update_bytes(5 * 2**20, 80 * 2**20)
    shown = terminal.getvalue()
    assert "3/9 images" in shown
    assert "5/80 MiB" in shown


def test_batches_get_a_line_a_minute_with_the_time_left_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown, clock = io.StringIO(), SimpleNamespace(now=0.0)
    monkeypatch.setattr(progress, "console", Console(file=shown, width=200))
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: clock.now))
    with progress.progress_bar() as bar:
        report = bar.for_batches("HOGgle")
        for done in range(51, 65):  # 50 were done before
            clock.now += 10
            report(done, 150)
    assert shown.getvalue().splitlines() == [
        "HOGgle: 56 of 150 batches of patches, about 16 minutes left",
        "HOGgle: 62 of 150 batches of patches, about 15 minutes left",
    ]


@pytest.mark.parametrize(("seconds", "said"), [(0.01, ""), (3.0, "45 minutes")])
def test_the_time_of_many_codes_is_printed_once_without_a_terminal_too(
    seconds: float, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, clock = io.StringIO(), itertools.count(0, seconds)
    monkeypatch.setattr(progress, "console", Console(file=shown, width=200))
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    with progress.progress_bar() as bar:
        report = bar.for_codes("photos", "codes", "go")
        for done in range(1, 9):
            report(done, 900)
    line = f"900 codes: about {said} left; go\n"
    assert shown.getvalue() == (line if said else "")


def test_codes_are_counted_on_a_terminal(terminal: io.StringIO) -> None:
    with progress.progress_bar() as bar:
        bar.for_codes("photos", "codes")(3, 900)
    assert "3/900 images" in terminal.getvalue()


def test_without_a_terminal_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(progress, "console", Console(file=shown))
    with progress.progress_bar() as bar:
        bar.start("quiet")
        bar.update(1, 2, "words")
    assert shown.getvalue() == ""
