"""The search for what was done to vectors: planted zeros, scales and steps of signed codes."""

import numpy as np
import pytest
import torch
from torch import nn

from preimage.audit.reference import OWN, Reference
from preimage.audit.search import Found, Search
from preimage.preprocessing import Preprocessing
from preimage.representations.layer import Layer
from preimage.representations.transformations import Quantized

LENGTH, GENERATOR = 80, np.random.default_rng(0)
MIXING, MEAN = GENERATOR.normal(size=(6, LENGTH)), GENERATOR.normal(size=LENGTH)


def _codes(count: int, *, signed: bool) -> np.ndarray:
    codes = GENERATOR.normal(size=(count, 6)) @ MIXING + MEAN
    return codes if signed else np.maximum(codes, 0)


def _search(values: np.ndarray, *, signed: bool = True) -> Found:
    layer = Layer(nn.Sequential(nn.Flatten()), "0", Preprocessing(mean=(0.0,), size=(8, 10)))
    codes = torch.from_numpy(_codes(60, signed=signed)).float()
    reference = Reference({OWN: codes}, np.arange(60) // 10)
    return Search(values, layer, reference, None).result()


@pytest.mark.parametrize("zero", [0, 40, -30])
def test_the_zero_of_signed_codes_is_found_from_mean_and_deviation(zero: int) -> None:
    codes = _codes(64, signed=True)
    stored = np.clip(np.round(codes * 8) + zero, -128, 127).astype(np.int8)
    (step,) = _search(stored).transformations
    assert isinstance(step, Quantized)
    assert step.zero == pytest.approx(zero, abs=4)
    assert step.scale == pytest.approx(1 / 8, rel=0.15)


@pytest.mark.parametrize("zero", [0, -128, -100])
def test_the_zero_of_codes_that_are_never_negative_is_exact(zero: int) -> None:
    codes = _codes(64, signed=False)
    stored = np.clip(np.round(codes * 8) + zero, -128, 127).astype(np.int8)
    (step,) = _search(stored, signed=False).transformations
    assert isinstance(step, Quantized)
    assert step.zero == zero


def test_whole_numbers_beyond_8_bits_are_scaled_codes() -> None:
    codes = _codes(64, signed=True)
    found = _search(np.round(1000 * codes).astype(np.int32))
    assert found.transformations == ()
    assert found.scale == pytest.approx(1000, rel=0.15)
    assert found.is_alike


def test_fractions_of_8_bits_with_an_unusual_range_keep_it() -> None:
    codes = np.clip(_codes(64, signed=True), -3, 1)
    (step,) = _search(np.round(codes * 50) / 50).transformations
    assert isinstance(step, Quantized)
    assert step.scale == pytest.approx(1 / 50)
    stored = torch.tensor(np.round(codes * 50) / 50)
    torch.testing.assert_close(step(stored), stored)
