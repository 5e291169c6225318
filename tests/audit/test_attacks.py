"""Attacks: pictures of codes, with the same bits in any batch."""

import pytest
import torch
from torch import nn

from preimage.audit.attacks import Inversion, to_pictures
from preimage.preprocessing import GRAY, Preprocessing
from preimage.presets import settings_for
from preimage.representations.layer import Layer
from preimage.visualizations import invert

PREPROCESSING = Preprocessing(mean=(120.0,) * 3, std=(60.0,), size=(16, 16))


@pytest.fixture(scope="module")
def layer() -> Layer:
    torch.manual_seed(0)
    return Layer(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), "1", PREPROCESSING, name="tiny/1")


@pytest.fixture(scope="module")
def codes(layer: Layer) -> torch.Tensor:
    photos = 255 * torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    return layer.encode(torch.stack([PREPROCESSING.to_core(photo) for photo in photos]))


def test_an_inversion_is_that_of_the_library_as_pictures(layer: Layer, codes: torch.Tensor) -> None:
    settings = settings_for(layer).with_steps(8)
    found = Inversion(settings).reconstruct(codes[:1], layer, seed=3)
    expected = invert(layer, codes=codes[:1], seeds=[3], settings=settings)
    assert torch.equal(found, PREPROCESSING.to_255(expected.images).clamp(0, 255))
    assert found.shape == (1, 3, 16, 16)


def test_an_inversion_has_the_same_bits_alone_and_in_a_batch(
    layer: Layer, codes: torch.Tensor
) -> None:
    attack = Inversion(settings_for(layer).with_steps(8))
    together = attack.reconstruct(codes, layer, seed=0)
    for n in range(len(codes)):
        assert torch.equal(attack.reconstruct(codes[[n]], layer, seed=0)[0], together[n])


def test_an_interrupted_inversion_is_no_picture(layer: Layer, codes: torch.Tensor) -> None:
    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Inversion().reconstruct(codes, layer, seed=0, progress=stop)


def test_gray_images_become_pictures_of_three_channels() -> None:
    pictures = to_pictures(GRAY.to_core(torch.full((1, 2, 2), 300.0))[None], GRAY)
    assert pictures.tolist() == [[[[255.0] * 2] * 2] * 3]


def test_images_of_other_channels_are_no_pictures() -> None:
    many = Preprocessing(mean=(0.0,) * 5, range=(0, 1))
    with pytest.raises(ValueError, match="1 or 3 channels, not 5"):
        to_pictures(torch.zeros(1, 5, 2, 2), many)
