"""Representations with transformed codes: what callers ask of a representation stays right."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import preimage
from preimage.networks import Network
from preimage.preprocessing import Preprocessing
from preimage.representations.hog import HOG
from preimage.representations.layer import Layer
from preimage.representations.transformations import First, Unit
from preimage.representations.transformed import Transformed

OWN = Preprocessing(mean=(120.0,) * 3, std=(60.0,), size=(16, 16))


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Conv2d(3, 8, 5, stride=2), nn.Tanh(), nn.AdaptiveAvgPool2d(2), nn.Flatten()
    )
    return Network(layers, OWN, "tiny", loss_weights=(("3", 5.0),))


@pytest.fixture
def photos() -> torch.Tensor:
    rgb = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 255
    return torch.stack([OWN.to_core(image) for image in rgb])


def test_codes_go_through_the_steps_in_order(network: Network, photos: torch.Tensor) -> None:
    base = network.layer("3")
    cut = Transformed.parse(base, "unit|first:5")
    whole = base.encode(photos)
    torch.testing.assert_close(cut.encode(photos), (whole / whole.norm(dim=1, keepdim=True))[:, :5])
    assert cut.name == "tiny/3|unit|first:5"
    assert cut.code_shape(16, 16) == (5,)


def test_sizes_and_c_are_those_of_the_representation(network: Network) -> None:
    base = network.layer("1")
    unit = Transformed.parse(base, "unit")
    assert (unit.stride, unit.reach, unit.default_jitter) == (2, 5, base.default_jitter)
    assert unit.receptive_field == base.receptive_field
    assert unit.default_size == unit.image_size(unit.code_shape(16, 16)) == (16, 16)
    assert (unit.loss_weight, unit.is_network, unit.code_axes) == (base.loss_weight, True, 1)
    assert unit.code_grid(16, 16).grid == base.code_grid(16, 16).grid == (6, 6)
    assert str(unit.layer_name) == "tiny/1|unit"
    assert unit.layer_name.layer == "1|unit"


def test_a_matrix_mixes_all_that_the_components_see(network: Network) -> None:
    assert Transformed(network.layer("1"), [First(3)]).receptive_field is None


@pytest.mark.parametrize("steps", ["unit", "bgr|first:7", "0..1|unit"])
def test_gradients_reach_the_image(network: Network, photos: torch.Tensor, steps: str) -> None:
    network.module.double()
    phi = Transformed.parse(network.layer("3"), steps)
    x = photos[:1, :, :8, :8].double().requires_grad_()
    assert torch.autograd.gradcheck(phi, x)
    codes = phi(x)
    (expected,) = torch.autograd.grad((codes * codes.detach()).sum(), x, retain_graph=True)
    torch.testing.assert_close(phi.gradient(codes, x, codes.detach()), expected)


def test_swapped_colors_give_the_codes_of_swapped_photos(
    network: Network, photos: torch.Tensor
) -> None:
    base = network.layer("3")
    torch.testing.assert_close(
        Transformed.parse(base, "bgr").encode(photos), base.encode(photos.flip(1))
    )


def test_saved_whole_numbers_are_inverted_as_the_codes_that_they_stand_for(
    network: Network, photos: torch.Tensor
) -> None:
    phi = Transformed.parse(network.layer("3"), "int8:0.01,3")
    codes = phi.encode(photos)
    stored = (codes / 0.01 + 3).round().to(torch.int8)
    few = preimage.NNPREIMAGE.with_steps(3)
    alike = preimage.invert(phi, codes=codes, settings=few)
    for given in (stored, stored.numpy()):
        found = preimage.invert(phi, codes=given, settings=few)
        torch.testing.assert_close(found.images, alike.images)
    assert found.representation == "tiny/3|int8:0.01,3"


def test_an_inversion_through_unit_norm_lowers_the_angle(network: Network) -> None:
    base = network.layer("1")
    phi = Transformed(base, [Unit()])
    photo = np.random.default_rng(0).random((16, 16, 3))
    found = preimage.invert(phi, photo, quality="draft")
    assert found.error is not None
    assert float(found.error) < 0.3


def test_maximize_and_hog_take_transformed_codes(network: Network) -> None:
    found = preimage.maximize(
        Transformed.parse(network.layer("3"), "unit"), [2], settings=preimage.MODERN.with_steps(4)
    )
    assert found.response is not None
    assert found.images.shape[-2:] == (16, 16)
    unit = preimage.representation("hog|unit")
    result = preimage.invert(unit, np.random.default_rng(0).random((32, 32)))
    assert result.error is not None
    assert float(result.error) < 0.5
    assert isinstance(unit.relaxed(1.0), Transformed)


def test_a_flattened_code_needs_a_size() -> None:
    phi = Transformed(HOG(), [First(10)])
    with pytest.raises(ValueError, match=r"a code of hog\|first:10 has no size of its own"):
        phi.image_size((10,))


def test_what_does_not_fit_is_refused(network: Network, tmp_path: Path) -> None:
    np.save(tmp_path / "axes.npy", np.eye(9)[:2])
    with pytest.raises(ValueError, match="is for codes of 9 values, not of 32"):
        Transformed.parse(network.layer("3"), f"pca:{tmp_path}/axes.npy")
    with pytest.raises(ValueError, match="bgr says how photos were prepared: name it first"):
        Transformed.parse(network.layer("3"), "unit|bgr")
    gray = Layer(nn.Sequential(nn.Conv2d(1, 2, 3)), "0", Preprocessing(mean=(0.0,)))
    with pytest.raises(ValueError, match="bgr is for images of 3 channels"):
        Transformed.parse(gray, "bgr|unit")


def test_check_knows_the_network_behind_the_steps(network: Network) -> None:
    phi = Transformed.parse(network.layer("1"), "unit")
    assert phi.network_module is network.module
    assert preimage.representation("hog|unit").network_module is None
    report = preimage.check(phi)
    assert report["differentiable"].verdict == "yes"
    assert report["stays as it was"].verdict == "yes"
