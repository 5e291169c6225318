"""Candidates: photos in a store are found, and others are not."""

import math

import pytest
import torch

from preimage.audit.candidates import choose_threshold, match_candidates, nearest_rows


@pytest.fixture
def codes() -> torch.Tensor:
    """Codes of 400 photos, all positive, as after a ReLU."""
    return torch.rand(400, 64, generator=torch.Generator().manual_seed(0))


def _copies(codes: torch.Tensor) -> torch.Tensor:
    """Codes in another scale, and not quite equal."""
    generator = torch.Generator().manual_seed(1)
    return 3 * codes + 0.2 * torch.rand(codes.shape, generator=generator)


def test_stored_photos_are_found_and_others_are_not(codes: torch.Tensor) -> None:
    stored, others, outside = codes[:100], codes[100:200], codes[200:]
    candidates = torch.cat([_copies(stored[:50]), outside])
    found = match_candidates(stored, candidates, others, _copies(others))
    assert found.found[:50].all()
    assert found.rows[:50].tolist() == list(range(50))
    assert not found.found[50:].any()
    assert found.threshold.false_rate <= 0.01
    assert found.threshold.copies == 1


def test_without_copies_the_rate_of_false_matches_is_kept_on_average(codes: torch.Tensor) -> None:
    generator, rates = torch.Generator().manual_seed(1), []
    for _ in range(200):
        order = torch.randperm(400, generator=generator)
        stored, others, outside = codes[order[:100]], codes[order[100:150]], codes[order[150:]]
        found = match_candidates(stored, outside, others, false_rate=0.1)
        rates.append(float(found.found.float().mean()))
    assert 0.06 < sum(rates) / len(rates) < 5 / 51 + 0.01
    assert math.isnan(found.threshold.copies)


def test_few_other_photos_promise_no_lower_rate_than_they_can() -> None:
    angles = torch.tensor([50.0, 10.0, 30.0, 20.0])
    for wanted, angle, promised in ((0.01, 10, 0.2), (0.4, 20, 0.4)):
        found = choose_threshold(angles, false_rate=wanted)
        assert (found.angle, found.false_rate) == (angle, promised)


def test_copies_that_are_unlike_their_originals_do_not_raise_the_threshold() -> None:
    found = choose_threshold(torch.full((99,), 20.0), torch.tensor([10.0, 30.0]))
    assert (found.angle, found.copies) == (20, 0.5)


def test_angles_do_not_depend_on_the_scale() -> None:
    stored = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    rows, angles = nearest_rows(stored, torch.tensor([[0.0, 7.0]]))
    assert rows.tolist() == [1]
    torch.testing.assert_close(angles, torch.tensor([45.0]))
