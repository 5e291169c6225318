"""Other preprocessings: the network sees what a program with another preprocessing shows it."""

import pytest
import torch

from preimage.preprocessing import Preprocessing
from preimage.representations.other_preprocessing import (
    DESCRIPTIONS,
    NAMES,
    fitting_preprocessings,
    other_preprocessings,
    prepare,
)

OWN = Preprocessing(mean=(120.0, 110.0, 100.0), std=(60.0, 50.0, 40.0))


@pytest.mark.parametrize("name", NAMES)
def test_the_network_sees_the_values_of_the_other_preprocessing(name: str) -> None:
    rgb = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0)) * 255
    core = torch.stack([OWN.to_core(image) for image in rgb])
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    wanted = {
        "bgr": OWN.to_network(torch.stack([OWN.to_core(image.flip(0)) for image in rgb])),
        "0..1": rgb / 255,
        "0..255": rgb,
        "-1..1": rgb / 127.5 - 1,
        "imagenet": (rgb / 255 - mean.view(3, 1, 1)) / std.view(3, 1, 1),
    }
    torch.testing.assert_close(OWN.to_network(prepare(name, OWN, core)), wanted[name])


def test_a_network_of_gray_images_has_no_colors_to_swap() -> None:
    assert fitting_preprocessings(Preprocessing(mean=(0.0,))) == ["0..1", "0..255", "-1..1"]


def test_its_own_preprocessing_is_no_other_one() -> None:
    lite = Preprocessing(mean=(127.0,) * 3, std=(128.0,) * 3)
    assert other_preprocessings(lite) == ["bgr", "0..1", "0..255", "imagenet"]
    assert set(DESCRIPTIONS) == set(NAMES)
