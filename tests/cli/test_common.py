"""What the commands share, and the small commands."""

from __future__ import annotations

import pytest
from tests.cli.runner import run

import preimage
from preimage.cli.common import parse_size, percent


@pytest.mark.parametrize(
    ("text", "size"), [("320", 320), ("240x320", (240, 320)), ("24X32", (24, 32))]
)
def test_a_size_is_a_longer_side_or_height_and_width(
    text: str, size: int | tuple[int, int]
) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "-3", "3.5", "axb", "3x", "x3", "1x2x3", "0x5", "²"])
def test_anything_else_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="size must be like 320 or 240x320"):
        parse_size(text)


def test_percent_rounds_to_a_tenth() -> None:
    assert percent(0.36649) == "36.6 %"


def test_the_representations_are_listed_with_what_they_are() -> None:
    outcome = run("representations")
    assert (outcome.status, outcome.errors) == (0, [])
    assert [line.split()[0] for line in outcome.output][:3] == ["hog", "hogb", "dsift"]
    for line in outcome.output[:3]:
        assert len(line.split()) > 4
        preimage.representation(line.split()[0])


def test_the_version_is_printed() -> None:
    assert run("--version").output == [preimage.__version__]


@pytest.mark.parametrize("command", [(), ("reproduce",)])
def test_without_a_command_there_is_help(command: tuple[str, ...]) -> None:
    outcome = run(*command)
    assert "Usage" in "".join(outcome.output + outcome.errors)
