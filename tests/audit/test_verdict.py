"""Verdicts of reconstructions of which it is known what they share with their photos."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from tests.audit.planted import CLASSES, judge, textures, thumbnails

from preimage.audit.likeness import Gallery
from preimage.audit.measures import Estimate, estimate
from preimage.audit.verdict import Verdict, decide, join

COUNT = 24
PHOTOS = textures(COUNT)
KINDS = np.arange(COUNT) % len(CLASSES)


@pytest.fixture(scope="module")
def gallery() -> Gallery:
    return Gallery(PHOTOS, [judge()])


def _of(gallery: Gallery, pictures: list[Image.Image]) -> tuple[Verdict, dict[str, Estimate]]:
    (estimates,) = estimate({"attack": gallery.compare(pictures)}).values()
    return decide(estimates), {one.measure: one for one in estimates}


def test_the_photos_themselves_leak_everything(gallery: Gallery) -> None:
    verdict, found = _of(gallery, PHOTOS)
    assert str(verdict) == "the very photo, of most photos"
    assert verdict.level == "photo"
    for name in ("reidentified", "reidentified_judge", "same_class"):
        assert found[name].value == 1
        assert found[name].low == pytest.approx(0.858, abs=0.001)
        assert found[name].luck < 0.001
    assert found["reidentified"].chance == pytest.approx(1 / COUNT)
    assert found["ssim"].value == pytest.approx(1)


def test_thumbnails_leak_arrangement_and_colors(gallery: Gallery) -> None:
    verdict, found = _of(gallery, thumbnails(PHOTOS, 4))
    assert verdict.level == "arrangement"
    assert found["reidentified"].chance >= found["reidentified_judge"].chance * 0.99
    assert found["reidentified"].luck > 0.05  # the judge sees no more than chance
    assert str(verdict) == "the arrangement of most photos, and the colors of most photos"


def test_mean_colors_leak_colors_alone(gallery: Gallery) -> None:
    verdict, found = _of(gallery, thumbnails(PHOTOS, 1))
    assert str(verdict) == "the colors of most photos"
    assert found["reidentified_pixels"].value == 0  # a flat picture is near to none


def test_other_pictures_of_the_same_class_leak_the_class_alone(gallery: Gallery) -> None:
    verdict, found = _of(gallery, textures(COUNT, 7, KINDS))
    assert str(verdict) == "what most photos show"
    assert verdict.level == "content"
    assert found["same_class"].value == 1
    assert found["same_class"].chance == pytest.approx(5 / 23)


@pytest.mark.parametrize("kind", ["constant", "unrelated"])
def test_a_layer_that_knows_nothing_leaks_nothing(gallery: Gallery, kind: str) -> None:
    unrelated = textures(COUNT, 5, np.random.default_rng(9).permutation(KINDS))
    verdict, found = _of(gallery, [PHOTOS[2]] * COUNT if kind == "constant" else unrelated)
    assert (verdict.level, str(verdict)) == ("nothing", "nothing is shown by these attacks")
    for one in found.values():
        assert one.low <= one.chance <= one.high


def test_without_a_judge_pixels_and_hog_must_agree() -> None:
    small = Gallery(PHOTOS[:8])
    verdict, found = _of(small, PHOTOS[:8])
    assert verdict.level == "photo"
    assert set(found) == {
        "reidentified", "reidentified_pixels", "reidentified_hog", "reidentified_color", "ssim",
        "color_distance", "color_histogram",
    }  # fmt: skip
    with pytest.raises(ValueError, match="8 photos need as many pictures, not 7"):
        small.compare(PHOTOS[:7])


def _estimate(measure: str, low: float, luck: float) -> Estimate:
    return Estimate(measure, None, 0.6, low, 0.8, 0.04, luck, COUNT)


@pytest.mark.parametrize(
    ("measure", "low", "luck", "words"),
    [
        ("reidentified", 0.51, 0.01, "the very photo, of most photos"),
        ("reidentified", 0.5, 0.01, "the arrangement of some photos"),
        ("reidentified", 0.5, 0.05, "nothing is shown by these attacks"),
        ("reidentified_hog", 0.5, 0.049, "the arrangement of some photos"),
        ("reidentified_hog", 0.51, 0.049, "the arrangement of most photos"),
        ("reidentified_hog", 0.51, 0.05, "nothing is shown by these attacks"),
        ("reidentified_color", 0.2, 0.01, "the colors of some photos"),
        ("color_distance", 60, 0.001, "nothing is shown by these attacks"),
        ("same_class", 0.1, 0.01, "what some photos show"),
        ("ssim", 0.9, 0.001, "nothing is shown by these attacks"),
    ],
)
def test_each_rule(measure: str, low: float, luck: float, words: str) -> None:
    assert str(decide([_estimate(measure, low, luck)])) == words


def test_what_several_attacks_show_is_joined() -> None:
    both = join([Verdict(("content",)), Verdict(("arrangement", "color"), ("arrangement",))])
    assert str(both) == (
        "the arrangement of most photos, the colors of some photos, and what some photos show"
    )
