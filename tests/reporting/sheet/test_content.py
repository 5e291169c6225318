"""The content of a sheet: photos, pictures, films, and captions in words."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tests.reporting.sheet.sheets import film, save_color, sheet
from tests.study_files import make_outcome
from tests.support import known

from preimage.reporting.sheet.content import gather
from preimage.reporting.sheet.plan import plan_sheet
from preimage.studies.loader import Loader
from preimage.sweeps.store import Store

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


def test_captions_of_a_short_run_claim_less(tmp_path: Path) -> None:
    hog = sheet(tmp_path).sections[0].panels[1]
    assert hog.words[-1].replace(NARROW, " ").startswith("Error 25 % after 200 steps: nearly")
    assert hog.words[-1].endswith("not in the code, or not found.")
    (tmp_path / "short").mkdir()
    by_hand, learned = sheet(tmp_path / "short", steps=20).sections
    hog, score = by_hand.panels[1], learned.panels[2]
    assert hog.heading.replace(NARROW, " ") == "What 20 steps found from 6 x 8 cells of HOG"
    assert hog.words[-1].endswith("all the same: 60 steps are usual.")
    beside = "Error 25 % after 20 steps (an image of one color: "
    assert score.words[-1].replace(NARROW, " ").startswith(beside)


def test_the_caption_of_a_code_of_more_numbers_than_the_photo_claims_less(tmp_path: Path) -> None:
    loader, network = Loader(), "efficientnet-lite0"
    trials = plan_sheet(
        save_color(tmp_path / "a.png"), (f"{network}/stem",), loader, weights="random"
    )
    with Store(tmp_path / "store", create=True) as store:
        for trial in trials:
            store.put(make_outcome(trial))
        records = store.lookup(trials)
    measures = dataclasses.replace(known(records[-1].measures), steps=200)
    records[-1] = dataclasses.replace(records[-1], measures=measures)
    stem = gather(records, loader, loader.network(network, "random")).sections[1].panels[1]
    assert "2.7 times the photo's" in stem.words[0]
    assert stem.words[-1].endswith("all the same: it has more numbers than the photo.")


def test_a_failed_inversion_says_why(tmp_path: Path) -> None:
    failed = sheet(tmp_path).sections[1].panels[1]
    assert (failed.picture, failed.film) == (None, None)
    assert failed.words[-1] == "No picture: no <luck>."


def test_no_line_ends_between_the_numbers_of_a_size(tmp_path: Path) -> None:
    photo = sheet(tmp_path).sections[0].panels[0]
    assert photo.words == (f"64{NARROW}x{NARROW}48 pixels.",)
