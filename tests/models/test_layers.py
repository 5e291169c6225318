"""Layers that compute as MatConvNet does, against the formulas of its manual."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.models import simplenn_reference as reference
from torch import Tensor, nn

from preimage.models.architecture import Convolution, LayerSpec, Pooling, Rectifier
from preimage.models.layers import (
    LocalResponseNorm,
    PaddedAvgPool2d,
    PaddedConv2d,
    PaddedMaxPool2d,
    build,
)

ASYMMETRIC = (1, 2, 0, 3)


def maps(channels: int = 6, height: int = 9, width: int = 11) -> Tensor:
    return torch.randn(2, channels, height, width, generator=torch.Generator().manual_seed(1)) * 50


def assert_equals(module: nn.Module, x: Tensor, compute: Any, layer: dict[str, Any]) -> None:
    """`module` equals the reference `compute` of the MATLAB struct `layer`."""
    for image, output in zip(x, module(x), strict=True):
        expected = compute(layer, image.permute(1, 2, 0).double().numpy()).transpose(2, 0, 1)
        found = output.detach().double().numpy()
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() <= 1e-6 * np.abs(expected).max()


def conv_struct(module: nn.Conv2d, pads: tuple[int, ...]) -> dict[str, Any]:
    assert module.bias is not None
    filters = module.weight.detach().permute(2, 3, 1, 0).numpy()
    return {
        "weights": [filters, module.bias.detach().numpy()],
        "stride": module.stride,
        "dilate": module.dilation,
        "pad": pads,
    }


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7])
def test_lrn_equals_the_manual_s_formula_for_odd_and_even_windows(size: int) -> None:
    param = np.array([size, 2.0, 1e-3, 0.75])
    module = LocalResponseNorm(size, *param[1:])
    assert_equals(module, maps(), reference.normalize, {"param": param})


def test_lrn_with_an_odd_window_is_torch_s_with_alpha_times_the_window() -> None:
    ours, torch_s = LocalResponseNorm(5, 2, 1e-4, 0.75), nn.LocalResponseNorm(5, 5e-4, 0.75, 2)
    torch.testing.assert_close(ours(maps().double()), torch_s(maps().double()), rtol=1e-13, atol=0)


def test_torch_s_lrn_mirrors_the_window_where_it_is_even() -> None:
    ours, torch_s = LocalResponseNorm(4, 2, 1e-4, 0.75), nn.LocalResponseNorm(4, 4e-4, 0.75, 2)
    x = maps().double()
    torch.testing.assert_close(ours(x), torch_s(x.flip(1)).flip(1), rtol=1e-13, atol=0)
    assert not torch.allclose(ours(x), torch_s(x))


def test_lrn_wider_than_the_channels_sums_over_all_of_them() -> None:
    param = np.array([9, 1.0, 1e-3, 0.5])
    module = LocalResponseNorm(9, 1.0, 1e-3, 0.5)
    assert_equals(module, maps(3), reference.normalize, {"param": param})


@pytest.mark.parametrize(
    "module",
    [
        LocalResponseNorm(4, 2, 1e-2, 0.75),
        LocalResponseNorm(5, 1, 1e-2, 0.75),
        PaddedConv2d(4, 2, (3, 2), (2, 1), pads=ASYMMETRIC, groups=2).double(),
        PaddedMaxPool2d((3, 2), (2, 2), (0, 1, 1, 0)),
        PaddedAvgPool2d((3, 2), (2, 2), (0, 1, 1, 0)),
    ],
)
def test_the_gradient_is_that_of_finite_differences(module: nn.Module) -> None:
    x = torch.randn(1, 4, 5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    assert torch.autograd.gradcheck(module, (x.requires_grad_(),))


def test_max_pooling_ignores_asymmetric_padding_even_where_all_is_negative() -> None:
    layer = {"pool": (4, 3), "stride": (2, 3), "pad": ASYMMETRIC, "method": "max"}
    module = PaddedMaxPool2d((4, 3), (2, 3), ASYMMETRIC)
    x = -maps().abs() - 1
    assert_equals(module, x, reference.pool, layer)
    assert module(x).isfinite().all()


def test_average_pooling_divides_by_the_number_of_pixels_inside() -> None:
    layer = {"pool": (4, 4), "stride": (2, 3), "pad": ASYMMETRIC, "method": "avg"}
    assert_equals(PaddedAvgPool2d((4, 4), (2, 3), ASYMMETRIC), maps(), reference.pool, layer)


@pytest.mark.parametrize("groups", [1, 2, 3])
def test_convolution_with_asymmetric_padding_stride_dilation_and_groups(groups: int) -> None:
    module = PaddedConv2d(6, 12, (3, 2), (2, 1), pads=ASYMMETRIC, dilation=(1, 2), groups=groups)
    assert_equals(module, maps(), reference.convolve, conv_struct(module, ASYMMETRIC))


@pytest.mark.parametrize("groups", [2, 3])
def test_grouped_convolution_splits_channels_and_filters_alike(groups: int) -> None:
    (module,) = build([Convolution("conv", (3, 3), 6, padding=(1, 1, 1, 1), groups=groups)], 6)
    assert type(module) is nn.Conv2d
    assert module.weight.shape[1] == 6 // groups
    assert_equals(module, maps(), reference.convolve, conv_struct(module, (1, 1, 1, 1)))


@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (2, 2), (3, 3), (5, 3)])
@pytest.mark.parametrize("size", range(5, 15))
def test_padding_by_stride_minus_one_is_bit_identical_to_rounding_up(
    kernel: int, stride: int, size: int
) -> None:
    pads = (0, stride - 1, 0, stride - 1)
    spec = Pooling("pool", (kernel, kernel), (stride, stride), pads)
    (module,) = build([spec])
    assert type(module) is nn.MaxPool2d
    assert module.ceil_mode
    padded = PaddedMaxPool2d((kernel, kernel), (stride, stride), pads)
    x = maps(height=size, width=size + 1)
    assert torch.equal(module(x), padded(x))


def test_pooling_that_steps_farther_than_its_window_is_not_left_to_rounding_up() -> None:
    spec = Pooling("pool", (1, 1), (3, 3), (0, 2, 0, 2))
    (module,) = build([spec])
    assert isinstance(module, PaddedMaxPool2d)


@pytest.mark.parametrize("method", ["max", "avg"])
def test_pooling_without_padding_is_torch_s_own(method: Any) -> None:
    (module,) = build([Pooling("pool", (3, 2), (2, 1), method=method)])
    assert type(module) in (nn.MaxPool2d, nn.AvgPool2d)
    layer = {"pool": (3, 2), "stride": (2, 1), "method": method}
    assert_equals(module, maps(), reference.pool, layer)


def test_a_leak_makes_a_leaky_rectifier() -> None:
    plain, leaky = build([Rectifier("a"), Rectifier("b", 0.05)])
    assert type(plain) is nn.ReLU
    assert_equals(leaky, maps(), reference.rectify, {"leak": 0.05})


@pytest.mark.parametrize(
    "spec",
    [
        Rectifier("relu"),
        Rectifier("relu", 0.1),
        Pooling("pool", (3, 3), (2, 2), (1, 0, 0, 2)),
        Pooling("pool", (3, 3), (2, 2), (1, 0, 0, 2), "avg"),
        Convolution("conv", (3, 3), 4, padding=ASYMMETRIC),
    ],
)
def test_no_layer_changes_its_input(spec: LayerSpec) -> None:
    x = maps()
    before = x.clone()
    build([spec], 6)(x)
    assert torch.equal(x, before)
