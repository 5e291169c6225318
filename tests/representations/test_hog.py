"""HOG and HOGb against VLFeat, against the plain formulas, and against finite differences."""

from __future__ import annotations

from typing import Any

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

from preimage.representations.gradients import Binning, CellPooling, cell_histograms_plain
from preimage.representations.hog import HOG, normalize_blocks

needs_vlfeat = pytest.mark.skipif(vlfeat.library() is None, reason=vlfeat.MISSING)
COMPONENTS = 27  # the golden arrays also hold the 4 texture components


@pytest.mark.parametrize("image", GOLDEN_IMAGES)
def test_hog_equals_vlfeat_to_1e_6_of_the_largest_component(image: str) -> None:
    code = code_of(HOG(), golden(image, "image"), torch.float32)
    assert deviation(code, golden(image, "hog")[:COMPONENTS]) < 1e-6


@pytest.mark.parametrize("image", GOLDEN_IMAGES)
@pytest.mark.parametrize("name", ["hog", "hogb"])
def test_in_float64_hog_and_hogb_equal_a_float64_vlfeat_to_1e_10(name: str, image: str) -> None:
    code = code_of(HOG(bilinear=name == "hogb"), golden(image, "image"), torch.float64)
    assert deviation(code, golden(image, f"{name}_f64")[:COMPONENTS]) < 1e-10


@pytest.mark.parametrize("image", GOLDEN_IMAGES)
def test_in_float32_hogb_equals_a_float64_vlfeat_to_1e_6(image: str) -> None:
    code = code_of(HOG(bilinear=True), golden(image, "image"), torch.float32)
    assert deviation(code, golden(image, "hogb_f64")[:COMPONENTS]) < 1e-6


@pytest.mark.parametrize("image", GOLDEN_IMAGES)
def test_hogb_equals_vlfeat_to_5e_4_where_its_acosf_allows_no_more(image: str) -> None:
    code = code_of(HOG(bilinear=True), golden(image, "image"), torch.float32)
    assert deviation(code, golden(image, "hogb")[:COMPONENTS]) < 5e-4


@pytest.mark.parametrize("image", golden_images_with("hog_cell4"))
@pytest.mark.parametrize(("name", "tolerance"), [("hog", 1e-6), ("hogb", 5e-4)])
def test_cells_of_4_pixels_equal_vlfeat(name: str, tolerance: float, image: str) -> None:
    code = code_of(HOG(4, bilinear=name == "hogb"), golden(image, "image"), torch.float32)
    assert deviation(code, golden(image, f"{name}_cell4")[:COMPONENTS]) < tolerance


@pytest.mark.parametrize("image", golden_images_with("grad_hog"))
@pytest.mark.parametrize("name", ["hog", "hogb"])
def test_the_gradient_equals_the_golden_one_to_1e_12(name: str, image: str) -> None:
    x = torch.as_tensor(golden(image, "image"), dtype=torch.float64)[None, None].requires_grad_()
    code = HOG(bilinear=name == "hogb")(x).flatten()
    value = code @ torch.arange(len(code), dtype=torch.float64).cos()
    (gradient,) = torch.autograd.grad(value, x)
    reference = golden(image, f"grad_{name}")
    error = np.abs(gradient[0, 0].numpy() - reference).max()
    assert error < 1e-12 * np.abs(reference).max()


@needs_vlfeat
@pytest.mark.parametrize("image", GOLDEN_IMAGES)
@pytest.mark.parametrize("name", ["hog", "hogb"])
def test_the_live_library_gives_the_golden_arrays(name: str, image: str) -> None:
    code = vlfeat.hog(golden(image, "image"), bilinear=name == "hogb")
    np.testing.assert_array_equal(code, golden(image, name)[:COMPONENTS])


@needs_vlfeat
@pytest.mark.parametrize("crop", random_crops(20), ids=lambda crop: f"{crop.shape}")
@pytest.mark.parametrize(("bilinear", "tolerance"), [(False, 1e-6), (True, 5e-4)])
def test_on_crops_of_odd_sizes_hog_equals_the_live_library(
    bilinear: bool, tolerance: float, crop: np.ndarray
) -> None:
    code = code_of(HOG(bilinear=bilinear), crop, torch.float32)
    assert deviation(code, vlfeat.hog(crop, bilinear=bilinear)) < tolerance


@needs_vlfeat
@pytest.mark.parametrize("cell_size", [2, 4, 5, 7, 8, 10])
def test_any_cell_size_equals_the_live_library(cell_size: int) -> None:
    # 2e-6, because VLFeat divides by the cell size in float32: inexact for 5, 7 and 10.
    for crop in random_crops(5):
        code = code_of(HOG(cell_size), crop, torch.float64)
        assert deviation(code, vlfeat.hog(crop, cell_size)) < 2e-6


@needs_vlfeat
@pytest.mark.parametrize("orientations", range(4, 13))
def test_any_number_of_orientations_equals_the_live_library(orientations: int) -> None:
    for crop in random_crops(5):
        code = code_of(HOG(8, orientations), crop, torch.float32)
        assert deviation(code, vlfeat.hog(crop, 8, orientations)) < 1e-6


def _plain_hog(x: torch.Tensor, softness: float, cell: int) -> torch.Tensor:
    def axis(length: int) -> np.ndarray:
        positions = (np.arange(length) + 0.5) / cell - 0.5
        cells = np.arange((length + cell // 2) // cell)[:, None]
        return np.maximum(0, 1 - np.abs(positions - cells))

    pooling = CellPooling.build(axis(x.shape[-2]), axis(x.shape[-1]), 18, x)
    binning = Binning(18, softness, "exact", "zero")
    return normalize_blocks(cell_histograms_plain(x[:, 0], binning, pooling))


@pytest.mark.parametrize("softness", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("size", [(23, 34), (5, 40), (7, 7)])
def test_the_fast_hog_equals_the_plain_one_in_value_and_gradient(
    size: tuple[int, int], softness: float
) -> None:
    x = random_image(2, 1, *size).requires_grad_()
    fast, plain = HOG(softness=softness)(x), _plain_hog(x, softness, 8)
    torch.testing.assert_close(fast, plain, rtol=1e-12, atol=1e-12)
    weights = random_image(*fast.shape, seed=3)
    gradients = [torch.autograd.grad(code, x, weights)[0] for code in (fast, plain)]
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("softness", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("size", [(9, 11), (3, 5)])
def test_the_gradient_passes_gradcheck(size: tuple[int, int], softness: float) -> None:
    # Noise keeps every gradient further from a bin's boundary than the steps of 1e-6.
    x = random_image(1, 1, *size, scale=2.0).requires_grad_()
    assert torch.autograd.gradcheck(HOG(4, softness=softness), x, eps=1e-6, atol=1e-8, rtol=1e-6)


def test_a_second_derivative_is_refused() -> None:
    x = random_image(1, 1, 16, 16).requires_grad_()
    (gradient,) = torch.autograd.grad(HOG()(x).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


@given(
    cell=st.integers(1, 10),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    orientations=st.integers(1, 12),
)
def test_the_code_has_the_announced_shape_or_the_image_is_refused(
    cell: int, height: int, width: int, orientations: int
) -> None:
    hog = HOG(cell, orientations)
    x = torch.zeros(2, 1, height, width)
    try:
        shape = hog.code_shape(height, width)
    except ValueError:
        assert min(height, width) < max(3, cell)
        with pytest.raises(ValueError, match="needs an image of at least"):
            hog(x)
    else:
        assert hog(x).shape == (2, *shape)


@given(cell=st.integers(1, 12), rows=st.integers(3, 9), columns=st.integers(3, 9))
def test_an_image_of_the_derived_size_has_a_code_of_the_given_shape(
    cell: int, rows: int, columns: int
) -> None:
    hog = HOG(cell)
    assert hog.code_shape(*hog.image_size((27, rows, columns))) == (27, rows, columns)


@given(constant=st.integers(-200, 200), bilinear=st.booleans(), seed=st.integers(0, 99))
def test_an_additive_constant_leaves_the_code_as_it_is(
    constant: int, bilinear: bool, seed: int
) -> None:
    x = random_image(1, 1, 24, 31, seed=seed).round()
    hog = HOG(bilinear=bilinear)
    assert torch.equal(hog(x + constant), hog(x))


@given(bilinear=st.booleans(), seed=st.integers(0, 99), index=st.integers(0, 3))
def test_the_rest_of_a_batch_does_not_change_a_code(bilinear: bool, seed: int, index: int) -> None:
    x = random_image(4, 1, 23, 37, seed=seed).float()
    hog = HOG(bilinear=bilinear)
    assert torch.equal(hog(x)[index], hog(x[index : index + 1])[0])


@pytest.mark.parametrize("softness", [0.0, 0.5, 1.0])
def test_nan_in_an_image_becomes_nan_in_its_own_code_alone(softness: float) -> None:
    x = random_image(3, 1, 32, 40).float()
    whole = HOG(softness=softness)(x)
    x[1, 0, 20, 20] = torch.nan
    code = HOG(softness=softness)(x)
    assert code[1].isnan().any()
    assert torch.equal(code[[0, 2]], whole[[0, 2]])


def test_a_flat_image_has_a_zero_code_and_a_zero_gradient() -> None:
    for softness in (0.0, 0.5, 1.0):
        x = torch.full((1, 1, 32, 32), 7.0, requires_grad=True)
        code = HOG(softness=softness)(x)
        (gradient,) = torch.autograd.grad(code.sum(), x)
        assert not code.any()
        assert not gradient.any()


def test_the_code_has_the_dtype_of_the_image_and_strides_do_not_matter() -> None:
    x = random_image(2, 1, 40, 32)
    assert HOG()(x).dtype == torch.float64
    assert HOG()(x.float()).dtype == torch.float32
    assert torch.equal(HOG()(x.transpose(2, 3)), HOG()(x.transpose(2, 3).contiguous()))


def test_softness_1_is_bilinear_and_0_is_hard() -> None:
    x = random_image(1, 1, 24, 24)
    assert torch.equal(HOG(softness=1)(x), HOG(bilinear=True)(x))
    assert torch.equal(HOG(softness=0)(x), HOG()(x))
    soft = HOG(softness=1e-9)(x)
    torch.testing.assert_close(soft, HOG()(x), rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cell_size": 0}, "must be positive, not 0 and 9"),
        ({"orientations": 0}, "must be positive, not 8 and 0"),
        ({"softness": 1.5}, "softness must lie between 0 and 1, not 1.5"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HOG(**arguments)
