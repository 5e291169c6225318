"""Transformations of codes: their values, gradients, shapes and names."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from preimage.representations.transformations import (
    First,
    Projection,
    Quantized,
    Transformation,
    Unit,
    parse_transformation,
)


@pytest.fixture
def codes() -> torch.Tensor:
    return torch.randn(3, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.fixture
def matrix() -> torch.Tensor:
    return torch.randn(4, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_gradients_agree_with_finite_differences(codes: torch.Tensor, matrix: torch.Tensor) -> None:
    smooth: list[Transformation] = [Unit(), First(2), Projection("", matrix, codes[0].clone())]
    for transformation in smooth:
        assert torch.autograd.gradcheck(transformation, codes.requires_grad_())


def test_the_gradient_of_rounding_is_straight_within_the_range_and_zero_beyond() -> None:
    x, quantized = torch.tensor([[0.3, 1.26, 70.0, -70.0]]), Quantized("int8", 0.5)
    assert quantized(x).tolist() == [[0.5, 1.5, 63.5, -64.0]]
    y = quantized(x.requires_grad_())
    torch.testing.assert_close(y, torch.tensor([[0.3, 1.26, 63.5, -64.0]]))
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert gradient.tolist() == [[1.0, 1.0, 0.0, 0.0]]


def test_stored_whole_numbers_stand_for_the_rounded_codes(codes: torch.Tensor) -> None:
    for quantized in (Quantized("int8", 0.03, 5), Quantized("uint8", 0.02, 130)):
        stored = (codes / quantized.scale).round() + quantized.zero
        torch.testing.assert_close(quantized.from_stored(stored), quantized(codes))


def test_the_loss_of_unit_codes_is_that_of_the_angle(codes: torch.Tensor) -> None:
    a, b = Unit()(codes[:2])
    squared = ((a - b) ** 2).sum()
    torch.testing.assert_close(squared, 2 - 2 * torch.cosine_similarity(codes[0], codes[1], dim=0))


def test_a_code_of_zeros_stays_zero_and_has_finite_gradients() -> None:
    x = torch.zeros(1, 4, requires_grad=True)
    y = Unit()(x)
    assert y.tolist() == [[0.0] * 4]


@pytest.mark.parametrize("transformation", [Unit(), Projection("", torch.eye(6)[:2])])
def test_a_batch_gives_the_bits_of_single_codes(transformation: Transformation) -> None:
    codes = torch.randn(5, 6, generator=torch.Generator().manual_seed(2))
    alone = torch.cat([transformation(code[None]) for code in codes])
    assert torch.equal(transformation(codes), alone)


def test_first_and_projection_take_maps_as_vectors(matrix: torch.Tensor) -> None:
    maps = torch.arange(6.0, dtype=torch.float64).view(1, 1, 2, 3)
    assert First(4)(maps).tolist() == [[0, 1, 2, 3]]
    assert First(4).shape((1, 2, 3)) == (4,)
    torch.testing.assert_close(Projection("", matrix)(maps)[0], matrix @ maps.flatten())


def test_files_hold_a_matrix_either_way_up_and_a_mean(
    tmp_path: Path, codes: torch.Tensor, matrix: torch.Tensor
) -> None:
    np.save(tmp_path / "axes.npy", matrix.numpy().T)
    mean = codes[0].numpy()
    np.savez(tmp_path / "pca.npz", components=matrix.numpy(), mean=mean)
    plain = parse_transformation(f"pca:{tmp_path}/axes.npy")
    centered = parse_transformation(f"pca:{tmp_path}/pca.npz")
    torch.testing.assert_close(plain(codes), codes @ matrix.T)
    torch.testing.assert_close(centered(codes), (codes - codes[0]) @ matrix.T)
    assert plain.shape((6,)) == (4,)


def test_a_name_gives_the_transformation_with_that_name() -> None:
    for name in ("plain", "unit", "first:64", "int8:0.02", "uint8:0.5,128"):
        assert parse_transformation(name).name == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("unti", "unknown step 'unti': did you mean 'unit'?"),
        ("first", "unknown step 'first'"),
        ("first:0", "step 'first:0': the length of first must be at least 1, not 0"),
        ("int8:-1", "the scale of int8 must be positive, not -1.0"),
        ("int8:x", "step 'int8:x': 'x' is not a number"),
        ("int8:1,y", "step 'int8:1,y': 'y' is not a whole number"),
    ],
)
def test_a_wrong_name_gets_one_clear_line(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_transformation(name)


def test_a_wrong_file_gets_one_clear_line(tmp_path: Path) -> None:
    np.save(tmp_path / "vector.npy", np.ones(3))
    np.savez(tmp_path / "two.npz", a=np.ones((2, 3)), b=np.ones((2, 3)))
    np.savez(tmp_path / "mean.npz", matrix=np.ones((2, 3)), mean=np.ones(2))
    with pytest.raises(ValueError, match="a projection is a matrix of finite numbers"):
        parse_transformation(f"pca:{tmp_path}/vector.npy")
    with pytest.raises(ValueError, match="needs one array called components or matrix"):
        parse_transformation(f"pca:{tmp_path}/two.npz")
    (tmp_path / "pca.pkl").write_bytes(b"a pickled object")
    with pytest.raises(ValueError, match=r"pca.pkl: .*np\.savez\(.*mean=p\.mean_"):
        parse_transformation(f"pca:{tmp_path}/pca.pkl")
    with pytest.raises(ValueError, match="the mean has 2 values, but the matrix is for codes of 3"):
        parse_transformation(f"pca:{tmp_path}/mean.npz")
    with pytest.raises(FileNotFoundError):
        parse_transformation(f"pca:{tmp_path}/none.npy")


def test_codes_of_another_length_are_refused(matrix: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="a matrix of 4 x 6 is for codes of 6 values, not of 7"):
        Projection("a.npy", matrix).shape((7,))
    with pytest.raises(ValueError, match="first:9 needs codes of at least 9 values, not of 7"):
        First(9).shape((7,))
