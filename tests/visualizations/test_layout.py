"""The size of the images of activation maximization, and the places of targets."""

from __future__ import annotations

import pytest
import torch
from tests.visualizations.networks import color_network
from torch import Tensor, nn

from preimage.preprocessing import Preprocessing
from preimage.representations.hog import HOG
from preimage.representations.layer import Layer
from preimage.targets import channel, direction, mean_channel, neuron
from preimage.visualizations.layout import mosaic_layout, separate_layout

NETWORK = color_network()
FEATURES = NETWORK.layer("features")
TARGETS = [channel(None, index) for index in range(3)]


def test_an_image_is_the_next_multiple_of_the_stride_above_2_1_receptive_fields() -> None:
    layout = separate_layout(FEATURES, TARGETS, None)
    assert layout.size == (8, 8)
    assert layout.box is not None
    assert (layout.box.bottom - layout.box.top, layout.box.right - layout.box.left) == (3, 3)


def test_a_target_that_sees_all_has_the_size_of_the_network_and_no_box() -> None:
    for layout in (
        separate_layout(NETWORK.layer("score"), TARGETS, None),
        separate_layout(FEATURES, [mean_channel(None, 0)], None),
    ):
        assert (layout.size, layout.box) == ((24, 24), None)


class Even(nn.Module):
    """A U-Net in small: the two halves fit only where the sides of the image are multiples of 4."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.pool = nn.Conv2d(3, 4, 3, padding=1), nn.MaxPool2d(4)
        self.up = nn.Upsample(scale_factor=4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.down(x)
        return torch.cat([x, self.up(self.pool(x))], 1)


def test_a_size_that_the_network_does_not_take_is_replaced_by_its_own() -> None:
    phi = Layer(Even(), "output", Preprocessing(mean=(127.5,) * 3, size=(32, 48)))
    layout = separate_layout(phi, TARGETS, None)
    assert (phi.receptive_field is not None, layout.size) == (True, (32, 48))
    field = phi.receptive_field
    assert field is not None
    assert layout.box == field.box((16, 24)).moved_into((32, 48))
    with pytest.raises(ValueError, match="does not take color images of 30 x 30"):
        separate_layout(phi, TARGETS, 30).place(phi)


def test_a_mosaic_is_rounded_up_to_a_size_that_the_network_takes() -> None:
    phi = Layer(Even(), "output", Preprocessing(mean=(127.5,) * 3, size=(32, 48)))
    layout = mosaic_layout(phi, TARGETS)
    assert [side % 4 for side in layout.size] == [0, 0]
    field = phi.receptive_field
    assert field is not None
    side = layout.boxes[0].bottom - layout.boxes[0].top
    assert field.size < side < min(layout.size) <= 2 * side + 3
    assert layout.place(phi).flatten(1).count_nonzero(1).tolist() == [1, 1, 1]


def test_a_number_is_the_side_of_a_square() -> None:
    assert separate_layout(FEATURES, TARGETS, 30).size == (30, 30)
    assert separate_layout(FEATURES, TARGETS, (30, 36)).size == (30, 36)


def test_a_direction_of_whole_codes_has_the_size_that_its_shape_gives() -> None:
    layout = separate_layout(HOG(8), [direction(None, torch.ones(27, 5, 6))], None)
    assert layout.size == (40, 48)
    with pytest.raises(ValueError, match="has no image size of its own: give one"):
        separate_layout(HOG(8), TARGETS, None)


def test_the_cells_of_a_mosaic_hold_all_that_their_targets_see() -> None:
    layout = mosaic_layout(FEATURES, TARGETS)
    assert len(set(layout.boxes)) == 3
    assert layout.box is None
    placed = layout.place(FEATURES)
    gradient = torch.zeros(1, 3, *layout.size, requires_grad=True)
    for index, code in enumerate(placed):
        (seen,) = torch.autograd.grad((FEATURES(gradient) * code).sum(), gradient)
        inside = layout.cells(seen, [index])
        assert inside.count_nonzero() == seen.count_nonzero() > 0


def test_a_mosaic_needs_central_targets_and_small_receptive_fields() -> None:
    with pytest.raises(ValueError, match="mosaic targets must be central responses, such as"):
        mosaic_layout(FEATURES, [neuron(None, 0, 1, 1)])
    network = nn.Sequential(*(nn.Conv2d(3, 3, 5, padding=2) for _ in range(4)))
    wide, narrow = (
        Layer(network, "3", Preprocessing(mean=(127.5,) * 3, size=(side, side)), name="net/3")
        for side in (17, 18)
    )
    with pytest.raises(ValueError, match=r"smaller than the image: the field of net/3 is not"):
        mosaic_layout(wide, TARGETS)
    assert len(mosaic_layout(narrow, TARGETS).boxes) == 3
