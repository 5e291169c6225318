"""Arguments that no visualization can use."""

from __future__ import annotations

import numpy as np
import pytest

from preimage.preprocessing import GRAY
from preimage.representations.hog import HOG
from preimage.visualizations.arguments import check_representation, check_seeds, load_photos


def test_what_is_no_representation_is_named_with_an_example() -> None:
    check_representation(HOG())
    with pytest.raises(TypeError, match=r"such as preimage\.HOG\(\) .*, not 'hog'"):
        check_representation("hog")


def test_seeds_are_a_sequence_with_at_least_one() -> None:
    check_seeds(range(3))
    with pytest.raises(TypeError, match="seeds must be a list or a range of seeds, not 3"):
        check_seeds(3)
    with pytest.raises(ValueError, match="no seed was given"):
        check_seeds([])


def test_one_photo_is_a_batch_of_one() -> None:
    photo = np.zeros((4, 5))
    assert load_photos(GRAY, photo, None).shape == (1, 1, 4, 5)
    assert load_photos(GRAY, [photo, photo], (2, 3)).shape == (2, 1, 2, 3)
    with pytest.raises(ValueError, match="no image was given"):
        load_photos(GRAY, [], None)
