"""Statistics of inner layers: their values, gradients, and the layers that are chosen."""

import pytest
import torch
from torch import nn

from preimage.audit.inner_statistics import InnerStatistics, inner_layers
from preimage.models.efficientnet_lite import EfficientNetLite
from preimage.preprocessing import Preprocessing
from preimage.representations.layer import Layer
from preimage.representations.transformations import First, Unit
from preimage.representations.transformed import Transformed

PREPROCESSING = Preprocessing(mean=(120.0,) * 3, std=(60.0,), size=(16, 16))


@pytest.fixture(scope="module")
def layer() -> Layer:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Conv2d(4, 5, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    return Layer(network, "4", PREPROCESSING, name="tiny/4")


def test_statistics_are_means_and_deviations_in_their_units_and_then_the_code(
    layer: Layer,
) -> None:
    x = torch.randn(2, 3, 16, 16) * 50
    units = torch.rand(18) + 1
    phi = Transformed(layer, [First(3), Unit()])
    inner = InnerStatistics(phi, ["0", "2"], units, 2.0)
    first, second = (layer.sibling(name)(x) for name in ("0", "2"))
    expected = [
        first.mean((2, 3)), second.mean((2, 3)),
        first.std((2, 3), correction=0), second.std((2, 3), correction=0),
    ]  # fmt: skip
    found = inner(x)
    torch.testing.assert_close(found[:, :18], torch.cat(expected, 1) / units, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found[:, 18:], 2 * phi(x))
    assert inner.code_shape(16, 16) == (21,)
    assert (inner.channels, inner.image_size((21,))) == ((4, 5), (16, 16))


def test_images_are_prepared_as_those_of_the_layer(layer: Layer) -> None:
    x = torch.randn(1, 3, 16, 16) * 50
    swapped = InnerStatistics(Transformed(layer, [], "bgr"), ["0"], torch.ones(8))
    plain = InnerStatistics(layer, ["0"], torch.ones(8))
    torch.testing.assert_close(swapped(x), plain(x.flip(1)))


def test_the_gradient_is_right(layer: Layer) -> None:
    torch.manual_seed(1)
    inner = InnerStatistics(layer, ["0", "2"], torch.rand(18) + 1, 3.0)
    layer.model.double()
    try:
        x = torch.randn(1, 3, 8, 8, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(inner, (x * 40,), atol=1e-6)
    finally:
        layer.model.float()


def test_tokens_have_statistics_too() -> None:
    class Tokens(nn.Module):
        """Patches as tokens."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.unfold(x, 4, stride=4).transpose(1, 2)

    network = nn.Sequential(Tokens(), nn.Linear(48, 6), nn.Flatten())
    layer = Layer(network, "2", PREPROCESSING, name="tiny/2")
    inner = InnerStatistics(layer, ["1"], torch.ones(12))
    x = torch.randn(2, 3, 16, 16) * 50
    torch.testing.assert_close(inner(x)[:, :6], layer.sibling("1")(x).mean(1))
    assert inner.code_shape(16, 16) == (12,)


def test_layers_before_the_maps_change_are_chosen_without_the_last() -> None:
    network = EfficientNetLite().eval()
    preprocessing = Preprocessing(mean=(127.0,) * 3, std=(128.0,), size=(64, 64))
    pool = Layer(network, "pool", preprocessing, name="efficientnet-lite0/pool")
    ends = ("stem", *(f"blocks.{n}" for n in (0, 2, 4, 7, 10, 14, 15)))
    assert inner_layers(pool) == ends
    assert inner_layers(Transformed(pool, [Unit()])) == ends


def test_layers_at_even_distances_are_chosen_where_maps_do_not_change() -> None:
    maps = [nn.Conv2d(3, 3, 3, padding=1) for _ in range(11)]
    layer = Layer(nn.Sequential(*maps, nn.Flatten()), "11", PREPROCESSING, name="tiny/11")
    assert inner_layers(layer) == ("0", "1", "2", "4", "5", "6", "7", "9")
