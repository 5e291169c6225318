from __future__ import annotations

import pytest
from torch import nn

from preimage import DSIFT, HOG, Layer, Preprocessing
from preimage.presets import settings_for
from preimage.reporting.captions import code_in_words, error_in_words, heading, usual_steps
from preimage.representations.base import Representation

PREPARE = Preprocessing(mean=(127.5,) * 3, size=(32, 32))
NETWORK = nn.Sequential(
    nn.Conv2d(3, 8, 5, stride=4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)
)


def layer(name: str) -> Layer:
    return Layer(NETWORK, name, PREPARE, name=f"mine/{name}")


@pytest.mark.parametrize(
    ("representation", "words"),
    [
        (HOG(), "What 4 x 4 cells of HOG still tell"),
        (HOG(bilinear=True), "What 4 x 4 cells of HOGb still tell"),
        (DSIFT(cell_size=4), "What 2 x 2 descriptors of dense SIFT still tell"),
        (layer("1"), "What 7 x 7 responses of this layer still tell"),
        (layer("2"), "What 8 responses without a place still tell"),
        (layer("4"), "What 5 responses without a place still tell"),
    ],
)
def test_a_heading_says_how_many_positions_a_code_has(
    representation: Representation, words: str
) -> None:
    assert heading(representation.name, representation.code_grid(32, 32)) == words


@pytest.mark.parametrize(
    ("representation", "words"),
    [
        (HOG(), "432 numbers, 42 % of the gray photo's 1,024."),
        (layer("1"), "392 numbers, 13 % of the photo's 3,072. Each depends on 5 x 5 pixels."),
        (layer("4"), "5 numbers, 0.16 % of the photo's 3,072. Each can depend on the whole photo."),
        (DSIFT(cell_size=2), "3,200 numbers, 3.1 times the gray photo's 1,024."),
    ],
)
def test_the_size_of_a_code_is_compared_with_the_photos(
    representation: Representation, words: str
) -> None:
    field = representation.receptive_field
    shape = (representation.preprocessing.channels, 32, 32)
    size = None if field is None else field.size
    grid = representation.code_grid(32, 32)
    assert code_in_words(representation.name, grid, size, shape) == words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (0.0002, "Error below 0.1 %: the photo's code but for traces"),
        (0.044, "Error 4.4 %: the photo's code but for traces"),
        (0.075, "Error 7.5 %: very nearly"),
        (0.12, "Error 12 %: very nearly"),
        (0.18, "Error 18 %: nearly"),
        (0.4, "Error 40 %: much"),
        (0.95, "Error 95 %: no picture"),
    ],
)
def test_an_error_says_how_near_the_code_is(error: float, words: str) -> None:
    assert error_in_words(error, "hog").startswith(words)


def test_an_error_means_less_where_an_image_of_one_color_has_a_small_one() -> None:
    def said(of_one_color: float | None) -> str:
        return error_in_words(0.14, "mine/1", 200, of_one_color=of_one_color)

    assert said(None) == said(1.7)
    assert said(None).startswith("Error 14 % after 200 steps: nearly the photo's code")
    beside = "Error 14 % after 200 steps (an image of one color: 32 %): much of the photo's code."
    assert said(0.32).startswith(beside)
    assert "no picture with" in said(0.1)


def test_much_of_a_code_after_few_steps_names_the_usual_ones() -> None:
    assert error_in_words(0.4, "mine/1", 20).endswith("closer to it: 200 are usual.")
    assert error_in_words(0.4, "mine/1", 200).endswith("closer to it.")


def test_a_heading_of_a_short_run_does_not_say_what_the_code_tells() -> None:
    grid = HOG().code_grid(32, 32)
    assert heading("hog", grid, 59) == "What 59 steps found from 4 x 4 cells of HOG"
    assert heading("hog", grid, 1) == "What 1 step found from 4 x 4 cells of HOG"
    assert heading("hog", grid, 60) == "What 4 x 4 cells of HOG still tell"
    assert heading("mine/1", grid, 199).startswith("What 199 steps found from")
    assert heading("mine/1", grid, 200).endswith("still tell")


ALL_THE_SAME = "What looks different here can be in the code all the same: "


@pytest.mark.parametrize("error", [0.04, 0.1, 0.2])
def test_what_differs_is_not_said_to_be_lost_after_few_steps_or_if_the_code_can_hold_all(
    error: float,
) -> None:
    short = error_in_words(error, "mine/1", 60, is_larger=True)
    assert " % after 60 steps: " in short
    assert short.endswith(f"{ALL_THE_SAME}200 steps are usual.")
    larger = error_in_words(error, "mine/1", 200, is_larger=True)
    assert " % after 200 steps: " in larger
    assert larger.endswith(f"{ALL_THE_SAME}it has more numbers than the photo.")
    usual = error_in_words(error, "mine/1", 200)
    assert "not in the code" in usual or "hardly shows in the code" in usual


def test_the_usual_steps_are_those_of_the_default_quality() -> None:
    for representation in (HOG(), DSIFT(), layer("1")):
        settings = settings_for(representation, "fast")
        assert usual_steps(representation.name) == settings.evaluations(representation)
