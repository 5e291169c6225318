"""Planted number types, steps, likeness and preprocessings of vectors are found."""

import numpy as np
import pytest

from preimage.audit.evidence import (
    Vote,
    compare_channels,
    is_uncorrelated,
    is_whole,
    rounding_step,
    storage,
    vote,
)

GENERATOR = np.random.default_rng(0)
VALUES = GENERATOR.normal(size=(40, 100))


@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "int8", "uint8"])
@pytest.mark.parametrize("wide", [False, True])
def test_the_narrowest_type_of_values_is_named(kind: str, wide: bool) -> None:
    values = np.abs(VALUES) * 40 if kind == "uint8" else VALUES * 20
    stored = values.astype(kind)
    assert storage(stored.astype(np.float64) if wide else stored) == kind


def test_values_of_bfloat16_are_told_from_those_of_float32() -> None:
    bits = VALUES.astype(np.float32).view(np.uint32) & 0xFFFF0000
    assert storage(bits.view(np.float32)) == "bfloat16"
    assert not is_whole(np.eye(3))  # a choice, not a rounded number


def test_steps_of_rounding_are_found_and_only_those() -> None:
    step = 0.0371
    rounded = (np.round(VALUES / step) * step).astype(np.float32)
    assert rounding_step(rounded) == pytest.approx(step, rel=1e-4)
    assert rounding_step(VALUES) is None
    assert rounding_step(VALUES.astype(np.float16)) is None
    assert rounding_step(np.round(VALUES)) == 1.0
    assert rounding_step(np.array([[0.1, 0.25, 0.3]])) is None


def test_related_channels_agree_although_the_contents_differ() -> None:
    mixing, means = GENERATOR.normal(size=(5, 100)), GENERATOR.normal(size=100)
    one, other = (GENERATOR.normal(size=(60, 5)) @ mixing + means for _ in range(2))
    assert compare_channels(one, other).is_sure
    assert compare_channels(one, other - means).covariances > 0.5
    shuffled = other[:, GENERATOR.permutation(100)]
    assert not compare_channels(one, shuffled).is_sure


def test_unrelated_channels_are_rarely_taken_as_related() -> None:
    sigmas = []
    for _ in range(40):
        one, other = (np.abs(GENERATOR.normal(size=(30, 50)) * GENERATOR.random(50)) for _ in "ab")
        sigmas.append(compare_channels(one, other).is_sure)
    assert sum(sigmas) <= 1


def test_results_of_pca_are_told_from_other_vectors() -> None:
    mixed = GENERATOR.normal(size=(200, 30)) @ GENERATOR.normal(size=(30, 30))
    _, _, axes = np.linalg.svd(mixed - mixed.mean(0), full_matrices=False)
    assert is_uncorrelated((mixed - mixed.mean(0)) @ axes[:10].T)
    assert not is_uncorrelated(mixed + 3)


def test_a_vote_finds_the_planted_preprocessing_and_none_without_one() -> None:
    photos = np.repeat(np.arange(8), 6)
    content = GENERATOR.normal(size=(48, 20)) @ GENERATOR.normal(size=(20, 60))
    shifts = {"": np.zeros(60), "one": np.full(60, 2.0), "two": 2 * GENERATOR.normal(size=60)}
    codes = {name: content + shift for name, shift in shifts.items()}
    others = GENERATOR.normal(size=(64, 20)) @ GENERATOR.normal(size=(20, 60)) * 0.5
    for name in ("one", "two"):
        found = vote(others + shifts[name], codes, photos)
        assert (found.name, found.is_sure) == (name, True)
        assert found.held_out > 0.8
    assert not vote(others, codes, photos).is_sure
    assert not vote(others, {"": content}, photos).is_sure


def test_a_vote_says_how_clear_it_is() -> None:
    unsure = str(Vote("bgr", 0.6, 0.58))
    assert "60% of the vectors are nearer to codes of photos with red and blue swapped" in unsure
    assert "not enough to conclude it, which takes 70% of the vectors and 55% of" in unsure
    assert "--reference" in unsure
    assert str(Vote("bgr", 0.18, 0.84)) == (
        "no other preprocessing: the likeliest other one, red and blue swapped, fits only 18% of "
        "the vectors better"
    )
    assert "not enough" not in str(Vote("bgr", 0.9, 0.58))
    assert "a single photo cannot check this" in str(Vote("bgr", 0.9, float("nan")))
