"""Dense SIFT against VLFeat and against finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests import vlfeat
from tests.support import (
    GOLDEN_IMAGES,
    code_of,
    deviation,
    golden,
    golden_images_with,
    random_crops,
    random_image,
)

from preimage.representations.dsift import DSIFT

needs_vlfeat = pytest.mark.skipif(vlfeat.library() is None, reason=vlfeat.MISSING)


def _golden_code(image: str, what: str, step: int = 24, cell: int = 8) -> np.ndarray:
    """Golden descriptors as a code (128, H', W')."""
    grid = [(n - 3 * cell - 1) // step + 1 for n in golden(image, "image").shape]
    return golden(image, what).T.reshape(128, *grid)


@pytest.mark.parametrize("image", GOLDEN_IMAGES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dsift_equals_a_float64_vlfeat_to_1e_6(dtype: torch.dtype, image: str) -> None:
    code = code_of(DSIFT(), golden(image, "image"), dtype)
    assert deviation(code, _golden_code(image, "dsift_f64")) < 1e-6


@pytest.mark.parametrize("image", GOLDEN_IMAGES)
def test_dsift_equals_vlfeat_to_2e_5(image: str) -> None:
    code = code_of(DSIFT(), golden(image, "image"), torch.float32)
    assert deviation(code, _golden_code(image, "dsift")) < 2e-5


@pytest.mark.parametrize("image", golden_images_with("dsift_step8_bin8"))
@pytest.mark.parametrize(("step", "cell"), [(8, 8), (4, 4)])
def test_other_steps_and_cells_equal_vlfeat_to_2e_5(step: int, cell: int, image: str) -> None:
    code = code_of(DSIFT(cell, step), golden(image, "image"), torch.float32)
    assert deviation(code, _golden_code(image, f"dsift_step{step}_bin{cell}", step, cell)) < 2e-5


@pytest.mark.parametrize("image", golden_images_with("dsift_xy"))
def test_descriptors_lie_24_pixels_apart_from_pixel_12_on(image: str) -> None:
    rows, columns = DSIFT().code_shape(*golden(image, "image").shape)[1:]
    centers = [[12 + 24 * x, 12 + 24 * y] for y in range(rows) for x in range(columns)]
    np.testing.assert_array_equal(golden(image, "dsift_xy"), centers)


def _touches_a_tie(image: np.ndarray) -> np.ndarray:
    """Pixels next to a gradient along an axis or a diagonal, (H, W)."""
    gy, gx = np.abs(np.gradient(image))
    tied = np.pad((gx == 0) | (gy == 0) | (gx == gy), 1)
    height, width = image.shape
    touched = np.zeros_like(image, bool)
    for row, column in ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2)):
        touched |= tied[row : row + height, column : column + width]
    return touched


@pytest.mark.parametrize("image", golden_images_with("grad_dsift"))
def test_the_gradient_equals_the_golden_one_to_1e_7_away_from_ties(image: str) -> None:
    # Where gx = 0, gy = 0 or |gx| = |gy|, as happens in images of whole gray levels, VLFeat's
    # angle has a kink: the golden gradient takes one subgradient and ours another, both valid.
    pixels = golden(image, "image")
    x = torch.as_tensor(pixels, dtype=torch.float64)[None, None].requires_grad_()
    code = DSIFT()(x).flatten()
    value = code @ torch.arange(len(code), dtype=torch.float64).cos()
    (gradient,) = torch.autograd.grad(value, x)
    reference = golden(image, "grad_dsift")
    smooth = ~_touches_a_tie(pixels.astype(np.float64))
    assert smooth.mean() > 0.5
    error = np.abs(gradient[0, 0].numpy() - reference)[smooth].max()
    assert error < 1e-7 * np.abs(reference).max()


@needs_vlfeat
@pytest.mark.parametrize("image", GOLDEN_IMAGES)
def test_the_live_library_gives_the_golden_arrays(image: str) -> None:
    code = vlfeat.dsift(golden(image, "image"), 24, 8)
    np.testing.assert_array_equal(code, _golden_code(image, "dsift"))


@needs_vlfeat
@pytest.mark.parametrize("crop", random_crops(20), ids=lambda crop: f"{crop.shape}")
def test_on_crops_of_odd_sizes_dsift_equals_the_live_library(crop: np.ndarray) -> None:
    code = code_of(DSIFT(), crop, torch.float32)
    assert deviation(code, vlfeat.dsift(crop, 24, 8)) < 2e-4


@needs_vlfeat
@pytest.mark.parametrize(
    ("step", "cell", "orientations"),
    [(8, 8, 8), (4, 4, 8), (3, 5, 8), (10, 4, 8), (1, 2, 8), (7, 3, 8), (24, 8, 4), (15, 5, 6)],
)
def test_other_geometries_equal_the_live_library(step: int, cell: int, orientations: int) -> None:
    for crop in random_crops(5):
        code = code_of(DSIFT(cell, step, orientations), crop, torch.float32)
        assert deviation(code, vlfeat.dsift(crop, step, cell, orientations)) < 2e-4


@pytest.mark.parametrize(("cell", "step", "size"), [(2, None, (9, 14)), (3, 2, (12, 10))])
def test_the_gradient_passes_gradcheck(cell: int, step: int | None, size: tuple[int, int]) -> None:
    x = random_image(1, 1, *size).requires_grad_()
    assert torch.autograd.gradcheck(DSIFT(cell, step), x, eps=1e-4, atol=1e-8, rtol=1e-5)


def test_a_second_derivative_is_refused() -> None:
    x = random_image(1, 1, 25, 25).requires_grad_()
    (gradient,) = torch.autograd.grad(DSIFT()(x).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


@given(
    cell=st.integers(1, 6), step=st.integers(1, 9), height=st.integers(1, 40),
    width=st.integers(1, 40),
)  # fmt: skip
def test_the_code_has_the_announced_shape_or_the_image_is_refused(
    cell: int, step: int, height: int, width: int
) -> None:
    dsift = DSIFT(cell, step)
    x = torch.zeros(2, 1, height, width)
    if min(height, width) < 3 * cell + 1:
        with pytest.raises(ValueError, match="needs an image of at least"):
            dsift(x)
    else:
        assert dsift(x).shape == (2, *dsift.code_shape(height, width))


@given(cell=st.integers(1, 9), rows=st.integers(1, 9), columns=st.integers(1, 9))
def test_an_image_of_the_derived_size_has_a_code_of_the_given_shape(
    cell: int, rows: int, columns: int
) -> None:
    dsift = DSIFT(cell)
    assert dsift.code_shape(*dsift.image_size((128, rows, columns))) == (128, rows, columns)


@given(constant=st.integers(-200, 200), seed=st.integers(0, 99))
def test_an_additive_constant_leaves_the_code_as_it_is(constant: int, seed: int) -> None:
    x = random_image(1, 1, 30, 52, seed=seed).round()
    assert torch.equal(DSIFT()(x + constant), DSIFT()(x))


@given(seed=st.integers(0, 99), index=st.integers(0, 3))
def test_the_rest_of_a_batch_does_not_change_a_code(seed: int, index: int) -> None:
    x = random_image(4, 1, 29, 51, seed=seed).float()
    assert torch.equal(DSIFT()(x)[index], DSIFT()(x[index : index + 1])[0])


def test_nan_in_an_image_becomes_nan_in_its_own_code_alone() -> None:
    x = random_image(3, 1, 32, 40).float()
    whole = DSIFT()(x)
    x[1, 0, 20, 20] = torch.nan
    code = DSIFT()(x)
    assert code[1].isnan().any()
    assert torch.equal(code[[0, 2]], whole[[0, 2]])


def test_a_flat_image_has_a_zero_code_and_a_zero_gradient() -> None:
    x = torch.full((1, 1, 32, 32), 7.0, requires_grad=True)
    code = DSIFT()(x)
    (gradient,) = torch.autograd.grad(code.sum(), x)
    assert not code.any()
    assert not gradient.any()


def test_a_descriptor_has_norm_1() -> None:
    norms = DSIFT()(random_image(2, 1, 60, 60)).norm(dim=1)
    torch.testing.assert_close(norms, torch.ones_like(norms), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cell_size": 0}, "must be positive, not 0 and 0"),
        ({"step": 0}, "must be positive, not 8 and 0"),
        ({"orientations": 7}, "orientations must be even and positive, not 7"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DSIFT(**arguments)
