"""The content of a sheet: photos, pictures, films, and captions in words."""

from __future__ import annotations

from pathlib import Path

from tests.reporting.sheet.sheets import film, sheet

NARROW = "\u00a0"
"""The space at which no line ends."""


def test_a_photo_stands_before_the_pictures_that_are_made_from_it(tmp_path: Path) -> None:
    found = sheet(tmp_path)
    by_hand, learned = found.sections
    assert found.photo == "<b>&$x$.png"
    assert [panel.title for panel in by_hand.panels] == ["The photo", "HOG", "HOGb", "Dense SIFT"]
    assert [panel.title for panel in learned.panels] == [
        "The photo, as the network gets it", "conv1, layer 1 of 6", "score, layer 6 of 6",
    ]  # fmt: skip
    for section, size in ((by_hand, (64, 48)), (learned, (24, 24))):
        photo, *others = section.panels
        assert photo.is_photo
        assert photo.picture is not None
        assert photo.picture.size == size
        assert not any(panel.is_photo for panel in others)
    assert "seed 4" in found.made


def test_captions_tell_the_code_and_the_error(tmp_path: Path) -> None:
    by_hand, learned = sheet(tmp_path).sections
    hog, score = by_hand.panels[1], learned.panels[2]
    assert hog.heading.replace(NARROW, " ") == "What 6 x 8 cells of HOG still tell"
    assert score.heading == "What 3 responses without a place still tell"
    assert any(words.startswith("Error 25") for words in hog.words)
    assert hog.film == score.film == film()
    assert hog.alt == "what is left of the photo in HOG"


def test_a_failed_inversion_says_why(tmp_path: Path) -> None:
    failed = sheet(tmp_path).sections[1].panels[1]
    assert (failed.picture, failed.film) == (None, None)
    assert failed.words[-1] == "No picture: no <luck>."


def test_no_line_ends_between_the_numbers_of_a_size(tmp_path: Path) -> None:
    photo = sheet(tmp_path).sections[0].panels[0]
    assert photo.words == (f"64{NARROW}x{NARROW}48 pixels.",)
