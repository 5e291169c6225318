"""`Layer`: any layer of any network, which is left as it was."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from tests.representations.networks import COLOR, Constant, Residual, resnet, state, used_network
from tests.support import known, random_image
from torch import Tensor, nn

from preimage.catalog import network
from preimage.networks import Network
from preimage.photo_files import shipped_photos
from preimage.preprocessing import Preprocessing
from preimage.presets import NETWORK_QUALITIES, NNPREIMAGE
from preimage.representations.layer import Layer, last_map
from preimage.representations.network_error import NetworkError
from preimage.visualizations import invert, maximize

X = torch.zeros(1, 3, 32, 32)
SHORT = NNPREIMAGE.replace(iterations=3, final_iterations=2)

CHELSEA = shipped_photos()["chelsea"]


def image(*shape: int, seed: int = 0) -> Tensor:
    return random_image(*shape, seed=seed).float()


@pytest.mark.parametrize("layer", ["stem", "stem.0", "body.1.one", "body", "pair.inside", "head"])
def test_the_users_network_is_as_it_was_after_a_call_and_a_run(layer: str) -> None:
    model = used_network()
    before = state(model)
    phi = Layer(model, layer, COLOR)
    phi(image(2, 3, 32, 32).requires_grad_()).sum().backward()
    assert state(model) == before
    invert(phi, image(3, 32, 32).div(255).add(0.5), settings=SHORT)
    assert state(model) == before


def test_the_users_network_is_as_it_was_after_an_error() -> None:
    model = used_network()
    model.get_submodule("body").add_module("2", Residual(5))
    before = state(model)
    with pytest.raises(NetworkError, match=r"^ResNet fails at or before layer body, given "):
        Layer(model, "body", COLOR)(image(1, 3, 32, 32))
    with pytest.raises(ZeroDivisionError):
        invert(
            Layer(model, "stem", COLOR),
            image(3, 32, 32).div(255).add(0.5),
            settings=SHORT,
            progress=lambda step: 1 // 0,  # type: ignore[arg-type]
        )
    assert state(model) == before


@pytest.mark.parametrize("channels", [1, 4])
def test_images_of_other_channels_are_refused(channels: int) -> None:
    with pytest.raises(ValueError, match=r"images of 3 channels are \(N, 3, H, W\)"):
        Layer(resnet(), "stem", COLOR)(image(1, channels, 32, 32))


def test_a_preprocessing_with_other_channels_than_the_network_is_one_clear_line() -> None:
    gray = Layer(resnet(), "stem", Preprocessing(mean=(127.5,)))
    color = Layer(nn.Sequential(nn.Conv2d(1, 4, 3)), "0", COLOR)
    for phi, kind in ((gray, "gray"), (color, "color")):
        message = f"does not take {kind} images of 32 x 32 pixels: .* channels"
        with pytest.raises(ValueError, match=message):
            invert(phi, image(3, 32, 32).div(255).add(0.5).clamp(0, 1), settings=SHORT)
        with pytest.raises(ValueError, match=f"does not take {kind} images of "):
            maximize(phi, 0, settings=SHORT)


def test_it_shows_its_layer_and_the_class_of_its_network() -> None:
    assert repr(Layer(resnet(), "body.1", COLOR)) == "Layer('body.1' of ResNet)"


def test_conversions_of_the_representation_do_not_reach_the_network() -> None:
    model = resnet()
    phi = Layer(model, "body", COLOR)
    phi.double().requires_grad_(False).eval()
    assert list(phi.parameters()) == []
    assert next(model.parameters()).dtype == torch.float32
    assert next(model.parameters()).requires_grad
    assert model.training
    x = image(1, 3, 32, 32)
    assert phi(x.double()).dtype == torch.float64
    torch.testing.assert_close(phi(x.double()).float(), phi(x))


@pytest.mark.parametrize("layer", ["stem", "stem.0", "body.0.bn", "body.1", "head"])
def test_the_code_is_what_the_layer_returns_in_a_plain_call(layer: str) -> None:
    model = resnet().eval()
    seen: list[Tensor] = []
    x = image(2, 3, 32, 32)
    hook = model.get_submodule(layer).register_forward_hook(
        lambda module, inputs, output: seen.append(output.clone())
    )
    with torch.no_grad():
        model(x / 64)
    hook.remove()
    assert torch.equal(Layer(model, layer, COLOR)(x), seen[0])


def test_the_gradient_is_that_of_finite_differences() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Tanh(), nn.Conv2d(2, 2, 2, 2)).double()
    x = random_image(2, 3, 6, 7).requires_grad_()
    assert torch.autograd.gradcheck(Layer(model, "2", COLOR), x)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("bodi.1", "unknown layer of ResNet 'bodi.1': did you mean 'body.1'"),
        ("", "unknown layer of ResNet ''"),
        ("pair", "layer 'pair' returns a tuple of 2, not one tensor: .* such as pair.0., pair"),
        ("unused", "layer 'unused' is not reached by the forward pass"),
    ],
)
def test_a_layer_that_cannot_be_used_is_refused_in_one_line(layer: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as raised:
        Layer(resnet(), layer, COLOR)(image(1, 3, 32, 32))
    assert "\n" not in str(raised.value)


def test_a_layer_that_does_not_depend_on_the_image_is_refused() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), Constant(), nn.Conv2d(4, 4, 1))
    for layer in ("1", "2"):
        with pytest.raises(ValueError, match=f"layer '{layer}' does not depend on the image"):
            invert(Layer(model, layer, COLOR), image(3, 8, 8).div(255).add(0.5), settings=SHORT)


def test_an_image_that_the_network_does_not_take_is_refused_in_one_line() -> None:
    phi = Layer(nn.Sequential(nn.Conv2d(3, 4, 11)), "0", COLOR, name="net/conv")
    with pytest.raises(ValueError, match="net/conv does not take color images of 8 x 8 pixels: "):
        invert(phi, image(3, 8, 8).div(255).add(0.5), size=(8, 8))


@pytest.mark.parametrize(
    ("name", "whole"),
    [(None, "0"), ("0", "0"), ("", "0"), ("mine", "mine/0"), ("hf:a/b/0", "hf:a/b/0")],
)
def test_the_name_of_the_network_comes_before_that_of_the_layer(
    name: str | None, whole: str
) -> None:
    layer = Layer(nn.Sequential(nn.Conv2d(3, 4, 11)), "0", COLOR, name=name)
    assert layer.name == whole
    assert layer.sibling("0").name == whole


def test_shapes_size_and_jitter_of_maps_and_vectors() -> None:
    maps, vectors = (Layer(resnet(), layer, COLOR) for layer in ("body", "head"))
    assert maps.code_shape(32, 64) == (8, 8, 16)
    assert vectors.code_shape(32, 64) == (5,)
    assert (maps.stride, maps.default_jitter) == (4, 1)
    assert (vectors.stride, vectors.default_jitter) == (32, 8)
    assert maps.image_size((8, 8, 8)) == (32, 32)


def test_a_code_alone_can_be_inverted_vectors_too() -> None:
    for layer in ("head", "body"):
        phi = Layer(resnet(), layer, COLOR)
        with torch.no_grad():
            code = phi(image(1, 3, 32, 32))[0]
        assert invert(phi, codes=code, settings=SHORT).images.shape == (1, 3, 32, 32)


def test_a_batch_of_seeds_gives_what_single_runs_give() -> None:
    phi = Layer(resnet(), "body.1", COLOR)
    photo, settings = image(3, 32, 32).div(255).add(0.5), SHORT.replace(jitter=3)
    together = invert(phi, photo, seeds=range(4), settings=settings)
    for seed in range(4):
        alone = invert(phi, photo, seeds=[seed], settings=settings)
        torch.testing.assert_close(together.images[seed], alone.images[0], rtol=1e-3, atol=0.05)


def test_networks_use_the_fast_solver_and_algorithm_1_ends_with_its_unjittered_stage() -> None:
    phi = Layer(resnet(), "stem", COLOR, loss_weight=300)
    photo = image(3, 32, 32).div(255).add(0.5)
    result = invert(phi, photo)
    assert phi.default_jitter == 1
    assert result.settings == NETWORK_QUALITIES["fast"].replace(loss_weight=300)
    assert result.trace.total.shape == (200, 1)
    assert invert(phi, photo, settings=NNPREIMAGE).trace.total.shape == (350, 1)
    assert invert(phi, photo, settings=SHORT).loss_weights == (100,)
    assert invert(phi, photo, loss_weight=7, settings=SHORT).loss_weights == (7,)


def test_a_copy_of_the_representation_can_be_made() -> None:
    phi = Layer(resnet(), "body", COLOR)
    x = image(1, 3, 32, 32)
    assert torch.equal(copy.deepcopy(phi)(x), phi(x))


def loaded(name: str) -> Network:
    """With random weights; skipped where the library cannot be imported."""
    pytest.importorskip(name.split(":", maxsplit=1)[0], exc_type=ImportError)
    return network(name, weights="random")


def test_a_layer_of_a_residual_network_inverts() -> None:
    """The error falls below half of its start in the 300 steps with jitter, on a small image.

    C = 300, more than a trained network's layer of this stride needs: to random weights all
    images of one amplitude look alike, so that noise starts with an error of only 15 % and
    at C = 20 the prior outweighs what is left of the loss (8.8 % in the end; 3.5 % here).
    """
    phi = loaded("torchvision:resnet50").layer("layer3")
    result = invert(phi, CHELSEA, size=(64, 64), loss_weight=300, settings=NNPREIMAGE)
    error = result.trace.loss[:, 0].sqrt()
    assert error[299] < 0.5 * error[0]
    assert known(result.error).item() < 0.3 * error[0]
    fast = invert(phi, CHELSEA, size=(64, 64), loss_weight=300)
    assert len(fast.trace.total) < 300
    # Rounding, which hundreds of steps amplify, moves both errors by one or two percent.
    assert known(fast.error).item() < 1.05 * known(result.error).item()


def test_a_block_of_a_vision_transformer_inverts() -> None:
    """The error falls below half of its start at its own C, in 60 steps of 300 to save time."""
    phi = loaded("timm:vit_small_patch16_224").layer("blocks.6")
    short = NNPREIMAGE.replace(loss_weight=20, iterations=50, final_iterations=10)
    result = invert(phi, CHELSEA, settings=short)
    assert phi.loss_weight == 20
    assert known(result.error).item() < 0.5 * result.trace.loss[0, 0].sqrt()


def test_the_tokens_of_a_vision_transformer_are_a_code() -> None:
    phi = loaded("timm:vit_small_patch16_224").layer("blocks.6")
    assert phi.code_shape(224, 224) == (197, 384)
    assert (phi.stride, phi.default_jitter, phi.receptive_field) == (16, 4, None)
    with pytest.raises(ValueError, match="does not take color images of 96 x 96 pixels"):
        phi.code_shape(96, 96)


def test_the_receptive_field_of_a_resnet_is_what_its_kernels_give() -> None:
    phi = loaded("torchvision:resnet18").layer("layer1.0")
    assert phi.receptive_field is not None
    assert (phi.receptive_field.size, phi.receptive_field.stride) == (27, 4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_network_is_moved_to_the_device_and_back() -> None:
    model: Any = used_network()
    before = state(model)
    photo = image(3, 32, 32).div(255).add(0.5)
    result = invert(Layer(model, "body.1", COLOR), photo, settings=SHORT, device="cuda")
    assert result.images.device.type == "cuda"
    assert state(model) == before


def test_of_nested_modules_that_return_the_same_map_it_is_the_outermost() -> None:
    model = resnet().eval()
    trunk = nn.Sequential(model.stem, model.body, nn.Flatten())
    assert last_map(trunk, lambda: trunk(X)) == "1"


def test_a_network_without_a_map_has_none_and_hooks_are_removed_after_an_error() -> None:
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 2))
    assert last_map(flat, lambda: flat(X)) is None
    before = state(flat)
    with pytest.raises(RuntimeError):
        last_map(flat, lambda: flat(torch.zeros(1, 3, 8, 8)))
    assert state(flat) == before


def test_scores_reach_as_far_as_the_last_map_and_without_a_map_over_the_image() -> None:
    model = resnet()
    head, body = Layer(model, "head", COLOR), Layer(model, "body", COLOR)
    assert head.receptive_field is None
    assert body.receptive_field is not None
    assert head.reach == body.reach == body.receptive_field.size
    size = Preprocessing(mean=(127.5,) * 3, size=(16, 12))
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 12, 2))
    assert Layer(flat, "1", size).reach == 16


def test_a_vector_sees_the_whole_image_without_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[object] = []
    monkeypatch.setattr("preimage.representations.layer.find_field", searched.append)
    assert Layer(resnet(), "head", COLOR).receptive_field is None
    assert searched == []
    with pytest.raises(TypeError):
        _ = Layer(resnet(), "body", COLOR).receptive_field  # a map does search


def test_the_reach_inside_a_session_which_runs_a_copy_is_the_same() -> None:
    model = resnet()
    head = Layer(model, "head", COLOR)
    with head.session(torch.device("cpu")):
        head(X)
        assert head.reach == Layer(model, "head", COLOR).reach == 39


@pytest.mark.parametrize("layer", [3, None, 1.5, ["0"]])
def test_a_layer_is_named_by_a_text(layer: Any) -> None:
    with pytest.raises(TypeError, match=r"^a layer is named by a text such as 'conv1' or '3', not"):
        Layer(nn.Sequential(nn.ReLU()), layer, COLOR)


def test_the_reach_of_scores_is_that_of_the_last_map_which_the_image_reaches() -> None:
    class Beside(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.maps, self.head = nn.Conv2d(3, 4, 5), nn.Linear(4, 3)
            self.beside, self.spectrum = nn.Conv2d(1, 4, 3), Spectrum()

        def forward(self, x: Tensor) -> Tensor:
            maps = self.maps(x)
            size = self.spectrum(maps).abs().mean((2, 3))
            scores: Tensor = self.head(size + self.beside(torch.ones(1, 1, 9, 9)).mean((2, 3)))
            return scores

    class Spectrum(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.fft.rfft2(x)

    assert Layer(Beside(), "head", COLOR).reach == 5
