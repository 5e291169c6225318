"""Reports of searches for photos: a line for each photo, and a summary."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import torch

from preimage.audit.candidates import Matches, Threshold
from preimage.reporting.candidates import (
    candidates_in_words,
    describe_candidates,
    write_candidates,
)

PHOTOS = [Path(f"{name}.jpg") for name in "abc"]
MATCHES = Matches(
    torch.tensor([7, 3, 7]), torch.tensor([0.5, 60.0, 4.0]), Threshold(20.0, 0.01, 0.95)
)


def test_every_photo_has_a_line(tmp_path: Path) -> None:
    path = write_candidates(tmp_path, PHOTOS, MATCHES)
    lines = list(csv.DictReader(path.read_text().splitlines()))
    assert [line["photo"] for line in lines] == ["a.jpg", "b.jpg", "c.jpg"]
    assert lines[1] == {"photo": "b.jpg", "found": "0", "row": "3", "angle": "60.0"}


def test_the_summary_names_photos_that_were_found() -> None:
    described = describe_candidates(PHOTOS, MATCHES)
    assert [(entry["photo"], entry["row"]) for entry in described["found"]] == [
        ("a.jpg", 7),
        ("c.jpg", 7),
    ]
    assert candidates_in_words(PHOTOS, MATCHES) == [
        "2 of 3 candidates are in the store: nearer than 20.0 degrees, which at most 1.0% of "
        "other photos are and 95% of copies, resized or compressed again",
        "  a.jpg  row 7  0.5 degrees",
        "  c.jpg  row 7  4.0 degrees",
    ]


def test_without_copies_nothing_is_said_of_them() -> None:
    matches = Matches(MATCHES.rows, MATCHES.angles, Threshold(2.0, 0.01, math.nan))
    assert describe_candidates(PHOTOS, matches)["copies"] is None
    assert candidates_in_words(PHOTOS, matches)[0].endswith("at most 1.0% of other photos are")


def test_few_copies_below_the_threshold_say_that_a_search_may_miss_photos() -> None:
    def lines(copies: float, angles: Sequence[float]) -> list[str]:
        matches = Matches(MATCHES.rows, torch.tensor(angles), Threshold(20.0, 0.01, copies))
        return candidates_in_words(PHOTOS, matches)

    assert any("may be in the store all the same" in line for line in lines(0.3, [0.5, 60, 4]))
    assert not any("all the same" in line for line in lines(0.95, [0.5, 60, 4]))
    assert not any("all the same" in line for line in lines(0.3, [0.5, 6, 4]))


def test_a_long_summary_names_only_the_first_photos() -> None:
    many = Matches(torch.arange(20), torch.zeros(20), MATCHES.threshold)
    lines = candidates_in_words([Path(f"{n}.jpg") for n in range(20)], many)
    assert len(lines) == 10
    assert lines[-1] == "  and 12 more, in candidates.csv"
