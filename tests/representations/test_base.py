"""Answers of a representation that defines no more than it must, and those of a layer."""

from __future__ import annotations

import torch
from tests.representations.networks import COLOR, resnet
from tests.support import Projections, random_image

from preimage.names import LayerName
from preimage.preprocessing import Preprocessing
from preimage.representations.dsift import DSIFT
from preimage.representations.hog import HOG
from preimage.representations.layer import Layer
from preimage.representations.layers import Layers


def test_a_representation_without_layers_has_a_single_code_under_none() -> None:
    phi = Projections(5, 1, 8, 9)
    x = random_image(2, 1, 8, 9).float()
    assert phi.layers == {}
    assert phi.code_shapes(8, 9) == {None: (5,)}
    assert list(phi.outputs(x)) == [None]
    assert torch.equal(phi.outputs(x)[None], phi(x))


def test_its_defaults_are_no_jitter_no_field_and_a_reach_of_its_stride() -> None:
    for phi in (HOG(), DSIFT(), Projections(5, 1, 8, 9)):
        assert (phi.default_jitter, phi.receptive_field, phi.default_size) == (1, None, None)
        assert phi.reach == phi.stride


def test_a_layer_is_its_own_only_layer_and_has_a_default_size() -> None:
    phi = Layer(resnet(), "body", COLOR)
    assert dict(phi.layers) == {None: phi}
    assert phi.code_shapes(32, 64) == {None: (8, 8, 16)}
    assert phi.default_size == (32, 32)
    assert Layer(resnet(), "body", Preprocessing(mean=(127.5,) * 3)).default_size == (224, 224)


def test_several_layers_reach_as_far_as_the_farthest() -> None:
    model = resnet()
    near, far = (Layer(model, name, COLOR) for name in ("stem", "body.0"))
    both = Layers([near, far])
    assert near.reach < far.reach == both.reach
    assert both.receptive_field is None
    assert both.default_size == (32, 32)


def test_codes_of_a_network_on_a_cpu_are_computed_one_by_one_and_so_to_the_bit() -> None:
    phi = Layer(resnet(), "head", COLOR)
    x = random_image(3, 3, 32, 32).float()
    assert torch.equal(phi.encode(x)[1:2], phi.encode(x[1:2]))
    assert not phi.encode(x).requires_grad


def test_a_name_is_a_network_and_its_layer() -> None:
    assert HOG().layer_name == LayerName("", "hog")
    model = resnet()
    assert Layer(model, "body.1", COLOR).layer_name == LayerName("", "body.1")
    named = Layer(model, "body.1", COLOR, name="import:nets/mine.resnet/body.1")
    assert named.layer_name == LayerName("import:nets/mine.resnet", "body.1")
