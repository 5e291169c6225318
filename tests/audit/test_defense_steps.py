"""Steps of defenses change what is stored, and say what an attacker can invert."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from preimage.audit.defense_steps import Average, Noise, Public, Rotation, Secret
from preimage.representations.hog import HOG
from preimage.representations.transformations import First, Unit
from preimage.representations.transformed import Transformed


def _codes(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


@pytest.mark.parametrize("length", [1, 2, 7, 96, 1280])
def test_a_rotation_keeps_all_angles_and_mixes_all_values(length: int) -> None:
    codes = _codes(5, length)
    rotated = Rotation(3)(codes)
    assert torch.allclose(rotated @ rotated.T, codes @ codes.T, rtol=1e-4, atol=1e-4)
    if length > 90:
        (one,) = Rotation(3)(torch.eye(length)[:1])
        assert one.abs().max() < 6 / length**0.5
        cosines = torch.cosine_similarity(rotated, codes).abs()
        assert cosines.max() < 6 / length**0.5


def test_a_rotation_is_that_of_its_key_in_any_batch() -> None:
    codes = _codes(3, 2, 5)
    assert Rotation(3)(codes)[1:2].equal(Rotation(3)(codes[1:2]))
    assert not Rotation(3)(codes).equal(Rotation(4)(codes))
    assert Rotation(3).shape((2, 5)) == tuple(Rotation(3)(codes).shape[1:])


def test_the_gradient_of_a_rotation_is_exact() -> None:
    codes = _codes(2, 6, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(Rotation(1), (codes,))


def test_only_public_steps_are_parts_of_phi_as_an_attacker_knows_it() -> None:
    phi = Transformed(HOG(), [Unit()])
    assert Public(First(3), "").known(phi).name == "hog|unit|first:3"
    assert Public(Unit(), "").known(HOG()).name == "hog|unit"
    for step in (Secret(Rotation(0)), Noise(1), Average(2)):
        assert step.known(phi) is phi


def test_a_secret_rotation_keeps_the_shape_that_an_attacker_expects() -> None:
    step, codes = Secret(Rotation(2)), _codes(2, 3, 4)
    assert step.store(codes).flatten(1).equal(Rotation(2)(codes))
    assert step.store(codes).shape == codes.shape
    assert step.query(codes).equal(step.store(codes))


def test_noise_has_its_size_and_does_not_depend_on_later_vectors() -> None:
    codes = _codes(3, 10000) * torch.tensor([[1.0], [5.0], [0.0]])
    step = Noise(0.3, seed=1)
    stored = step.store(codes)
    assert stored.norm(dim=1).tolist() == pytest.approx(codes.norm(dim=1).tolist(), rel=0.05)
    errors = (stored * 1.09**0.5 - codes).norm(dim=1)
    assert errors[:2] / codes[:2].norm(dim=1) == pytest.approx([0.3, 0.3], rel=0.05)
    assert errors[2] == 0
    assert step.store(codes)[:1].equal(step.store(codes[:1]))
    assert step.query(codes) is codes


def test_photos_left_over_join_the_last_average() -> None:
    codes = torch.tensor([[0.0], [2.0], [3.0], [5.0], [10.0]])
    assert Average(2).store(codes).flatten().tolist() == [1, 1, 6, 6, 6]
    assert Average(9).store(codes).flatten().tolist() == [4] * 5


@pytest.mark.parametrize(("kind", "value"), [(Noise, 0.0), (Noise, float("inf")), (Average, 1)])
def test_sizes_that_make_no_sense_are_refused(kind: type, value: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        kind(value)
