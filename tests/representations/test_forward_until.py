"""A pass up to some layers: what runs, what is copied, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.representations.networks import COLOR, Failing, Residual, resnet, vgg
from tests.support import random_image
from torch import Tensor, nn

from preimage.representations.forward_until import check_outputs, forward_until
from preimage.representations.layer import Layer
from preimage.representations.layers import Layers
from preimage.representations.network_error import NetworkError


def image(*shape: int, seed: int = 0) -> Tensor:
    return random_image(*shape, seed=seed).float()


def layers(model: nn.Module, *names: str) -> Layers:
    return Layers([Layer(model, name, COLOR) for name in names])


def counted(model: nn.Module) -> list[nn.Module]:
    """The modules without children that are called from now on."""
    calls: list[nn.Module] = []

    def count(module: nn.Module, *_: Any) -> None:
        calls.append(module)

    for module in model.modules():
        if not list(module.children()):
            module.register_forward_pre_hook(count)
    return calls


def test_nothing_behind_the_layer_runs() -> None:
    chain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(nn.ReLU(), Failing()), Failing())
    Layer(chain, "1.0", COLOR)(image(1, 3, 8, 8))
    model = resnet()
    model.body[1].act = Failing()
    for layer in ("stem", "body.0", "body.1.bn"):
        Layer(model, layer, COLOR)(image(1, 3, 32, 32))
    with pytest.raises(NetworkError, match="behind the layer"):
        Layer(model, "body.1", COLOR)(image(1, 3, 32, 32))


def test_hooks_that_the_user_put_on_a_chain_still_run() -> None:
    calls: list[int] = []
    chain = nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), nn.ReLU())
    chain[0].register_forward_pre_hook(lambda module, inputs: calls.append(1))
    Layer(chain, "0.0", COLOR)(image(1, 3, 8, 8))
    assert calls == [1]


Replace = Callable[[nn.Sequential], None]


def replace_forward(inner: nn.Sequential) -> None:
    inner.forward = lambda x: 2 * nn.Sequential.forward(inner, x)  # type: ignore[method-assign]


def replace_by_subclass(inner: nn.Sequential) -> None:
    inner.__class__ = type(
        "Twice", (nn.Sequential,), {"__call__": lambda self, x: 2 * nn.Module.__call__(self, x)}
    )


def hook_before(inner: nn.Sequential) -> None:
    inner.register_forward_pre_hook(lambda module, inputs: (2 * inputs[0],))


def hook_with_names(inner: nn.Sequential) -> None:
    inner.register_forward_pre_hook(
        lambda module, inputs, named: ((2 * inputs[0],), named), with_kwargs=True
    )


@pytest.mark.parametrize(
    "change", [replace_forward, replace_by_subclass, hook_before, hook_with_names]
)
@pytest.mark.parametrize("layer", ["1.1", "1", "2"])
def test_what_a_user_did_to_a_chain_counts_for_the_layers_in_and_behind_it(
    change: Replace, layer: str
) -> None:
    torch.manual_seed(0)
    inner = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh())
    model = nn.Sequential(nn.Conv2d(3, 3, 3), inner, nn.Tanh()).eval()
    change(inner)
    seen: list[Tensor] = []
    hook = model.get_submodule(layer).register_forward_hook(lambda m, i, y: seen.append(y))
    x = image(1, 3, 8, 8)
    expected = model(x / 64)
    hook.remove()
    outside = 2 if (layer, change) == ("1", replace_by_subclass) else 1  # a hook sees the inside
    assert torch.equal(Layer(model, layer, COLOR)(x), outside * seen[0])
    assert layer != "2" or torch.equal(seen[0], expected)


@pytest.mark.parametrize("layer", ["1.1", "1"])
def test_hooks_of_all_modules_run_for_the_chains_on_the_way(layer: str) -> None:
    inner = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh())
    model, called = nn.Sequential(nn.Conv2d(3, 3, 3), inner).eval(), []

    def double(module: nn.Module, inputs: Any) -> Any:
        called.append(module)
        return (2 * inputs[0],) if module is inner else None

    phi, x = Layer(model, layer, COLOR), image(1, 3, 8, 8)
    before = phi(x)
    with torch.nn.modules.module.register_module_forward_pre_hook(double):
        doubled = phi(x)
    assert called[1:4] == [model, model[0], inner]  # the first is the representation
    with torch.no_grad():
        assert torch.equal(doubled, inner(2 * model[0](x / 64)))
    assert torch.equal(phi(x), before)


def test_hooks_of_the_backward_pass_of_a_chain_run() -> None:
    inner, called = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh()), []
    inner.register_full_backward_hook(lambda module, *gradients: called.append(module))
    phi = Layer(nn.Sequential(inner, nn.Tanh()), "1", COLOR)
    phi(image(1, 3, 8, 8).requires_grad_()).sum().backward()
    assert called == [inner]


def test_activations_in_place_change_neither_the_image_nor_the_code() -> None:
    chain = nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True))
    x = image(1, 3, 8, 8).requires_grad_()
    before = x.detach().clone()
    plain = Layer(chain, "1", COLOR)(x)
    assert torch.equal(x, before)
    torch.testing.assert_close(plain, chain[1]((x / 64).relu()))
    assert bool((plain < 0).any())
    assert bool((Layer(Residual(3), "one", COLOR)(x) < 0).any())


def test_of_a_layer_that_is_called_twice_the_first_call_counts() -> None:
    block = Residual(3).eval()
    x = image(1, 3, 8, 8)
    expected = block.bn(block.one(x / 64)).relu()
    torch.testing.assert_close(Layer(block, "act", COLOR)(x), expected)


def test_no_module_runs_twice_and_none_behind_the_last_layer() -> None:
    first, second = nn.Conv2d(3, 4, 3), nn.ReLU()
    model = nn.Sequential(first, nn.Sequential(second, Failing()), Failing())
    both = layers(model, "1.0", "0")
    both.code_shapes(8, 8)
    calls = counted(model)
    both.outputs(image(1, 3, 8, 8))
    assert calls == [first, second]
    body = resnet()
    body.body[2].two = Failing()
    layers(body, "body.0", "stem.0", "body.1", "body.2.act").outputs(image(1, 3, 32, 32))
    with pytest.raises(NetworkError, match="behind the layer"):
        layers(body, "body.2", "stem.0").outputs(image(1, 3, 32, 32))


def test_a_module_that_stands_at_two_places_of_a_chain_is_taken_at_the_one_named() -> None:
    relu = nn.ReLU()
    model = nn.Sequential(relu, nn.Conv2d(3, 4, 3), relu)
    outputs = layers(model, "0", "2").outputs(image(1, 3, 8, 8))
    assert [tuple(y.shape[1:]) for y in outputs.values()] == [(3, 8, 8), (4, 6, 6)]


def test_an_activation_in_place_does_not_reach_the_layer_before_it() -> None:
    for model, before, after in ((vgg(), "0.0", "0.1"), (Residual(3), "bn", "act")):
        outputs = layers(model, before, after).outputs(image(1, 3, 16, 16))
        assert bool((outputs[before] < 0).any())
        assert torch.equal(outputs[after], outputs[before].relu())


def test_layers_that_are_not_reached_are_refused() -> None:
    model = resnet().eval()
    found = forward_until(model, image(1, 3, 32, 32), ["stem", "unused"])
    with pytest.raises(ValueError, match="layer 'unused' is not reached"):
        check_outputs(model, found, ["stem", "unused"])


def test_outputs_come_in_the_order_that_is_asked_for_and_are_tensors() -> None:
    model = resnet().eval()
    names = ["body.1", "stem", "body.0"]
    found = forward_until(model, image(1, 3, 32, 32), names)
    assert list(check_outputs(model, found, names)) == names
    pair = forward_until(model, image(1, 3, 32, 32), ["pair"])
    with pytest.raises(ValueError, match=r"returns a tuple of 2, .* such as pair\[0\], pair\[1\]"):
        check_outputs(model, pair, ["pair"])
