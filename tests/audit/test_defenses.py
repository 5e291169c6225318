"""Defenses are named as the steps of representations are, and fitted to the store."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from preimage.audit.defenses import ALL, NONE, fit_components, plan_defense, plan_defenses
from preimage.representations.hog import HOG
from preimage.representations.transformations import Quantized, Unit
from preimage.representations.transformed import Transformed

CODES = torch.rand(20, 31, generator=torch.Generator().manual_seed(0))


def test_all_usual_defenses_fit_and_none_is_first() -> None:
    names = [one.name for one in plan_defenses([ALL], HOG(), CODES)]
    assert names[0] == NONE
    assert names[1:] == [
        "unit", "int8", "first:1", "pca:8", "noise:0.5", "noise:2", "rotation", "rotation:known",
        "average:2", "average:4",
    ]  # fmt: skip


def test_what_a_store_has_already_is_left_out_unless_it_is_named() -> None:
    phi = Transformed(HOG(), [Unit(), Quantized("int8", 0.1)])
    names = [one.name for one in plan_defenses([ALL, "int8", "noise:2", NONE], phi, CODES)]
    assert "unit" not in names
    assert names.count("int8") == names.count("noise:2") == names.count(NONE) == 1


def test_steps_follow_each_other_and_are_fitted_to_what_comes_before() -> None:
    defense = plan_defense("unit | pca:3|int8", CODES)
    assert defense.name == "unit|pca:3|int8"
    unit = torch.nn.functional.normalize(CODES)
    projected = fit_components(unit, 3)(unit)
    scale = float(projected.abs().max()) / 127
    stored = defense.store(CODES)
    assert torch.allclose(stored / scale, (stored / scale).round(), atol=1e-3)
    assert torch.allclose(stored, projected, atol=scale * 0.51)
    assert len(defense.sentence.split("; ")) == 4


def test_secrets_are_no_part_of_an_attackers_guess() -> None:
    defense = plan_defense("first:5|rotation|noise:1", CODES, seed=3)
    assert defense.guess(CODES).equal(CODES[:, :5])
    assert not defense.query(CODES).equal(CODES[:, :5])
    known = plan_defense("first:5|rotation:known", CODES, seed=3)
    assert known.guess(CODES).equal(defense.query(CODES))


def test_components_are_those_of_the_codes() -> None:
    projection = fit_components(CODES, 19)
    flat = CODES.double() - CODES.double().mean(0)
    again = projection(CODES).double() @ projection.matrix
    assert np.allclose(again, flat, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rotatoin", "unknown defense 'rotatoin': did you mean 'rotation'?"),
        ("", "unknown defense ''"),
        ("noise", "noise: '' is not a number"),
        ("noise:-1", "the size of noise must be"),
        ("average:x", "average:x: 'x' is not a whole number"),
        ("average:1", "the number of photos of an average must be"),
        ("pca:20", "pca:20: 20 codes of 31 values have 1 to 19 components"),
        ("first:32", "first:32 needs codes of at least 32 values, not of 31"),
        ("rotation:7", "unknown step 'rotation:7'"),
        ("unit|", "unknown defense ''"),
    ],
)
def test_a_wrong_name_gets_one_clear_line(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        plan_defenses([name], HOG(), CODES)
