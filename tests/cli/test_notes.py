"""Notes are printed beside results that say little, and beside no others."""

import pytest

from preimage.cli.notes import say_of_draft, say_of_preset


def test_only_the_printed_constants_are_warned_of_and_not_on_standard_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in (None, "nnpreimage", "modern"):
        say_of_preset(name)
    assert capsys.readouterr() == ("", "")
    say_of_preset("paper")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "--preset nnpreimage" in printed.err


@pytest.mark.parametrize(("steps", "is_draft"), [(None, False), (200, False), (199, True)])
def test_few_steps_are_called_a_draft(
    steps: int | None, is_draft: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    say_of_draft(steps)
    assert capsys.readouterr().out.startswith("a draft: ") == is_draft
