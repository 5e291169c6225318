"""From names to representations."""

from __future__ import annotations

import pytest

from preimage.catalog import CLASSICAL, representation
from preimage.representations.dsift import DSIFT
from preimage.representations.hog import HOG


@pytest.mark.parametrize("name", CLASSICAL)
def test_a_representation_goes_by_the_name_it_is_found_under(name: str) -> None:
    assert representation(name).name == name


def test_the_classical_representations_are_those_of_section_5_1() -> None:
    hog, hogb, dsift = map(representation, ("hog", "hogb", "dsift"))
    assert isinstance(hog, HOG)
    assert isinstance(hogb, HOG)
    assert isinstance(dsift, DSIFT)
    assert (hog.softness, hogb.softness) == (0, 1)
    assert [rep.stride for rep in (hog, hogb, dsift)] == [8, 8, 24]
    assert (hog.cell_size, hogb.cell_size, dsift.cell_size) == (8, 8, 8)
    assert [rep.default_jitter for rep in (hog, hogb, dsift)] == [1, 1, 1]


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ValueError, match="unknown representation 'dsfit': did you mean 'dsift'"):
        representation("dsfit")


def test_a_name_near_none_is_refused_with_all_of_them() -> None:
    with pytest.raises(ValueError, match="there are hog, hogb, dsift"):
        representation("xyz")
