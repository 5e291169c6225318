"""A network on loan: its state during use, afterwards, after errors and under threads."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable

import pytest
import torch
from tests.representations.networks import COLOR, resnet, state, used_network
from tests.support import random_image
from torch import Tensor, nn

from preimage import invert, maximize
from preimage.presets import NNPREIMAGE
from preimage.representations.borrowing import evaluation_mode, ordinary_torch
from preimage.representations.execution import Execution
from preimage.representations.hog import HOG
from preimage.representations.layer import Layer

CPU = torch.device("cpu")
SHORT = NNPREIMAGE.replace(iterations=4, final_iterations=2)


def photo(seed: int = 0) -> Tensor:
    return random_image(3, 32, 32, seed=seed).float().div(255).add(0.5)


def test_evaluation_mode_holds_for_the_whole_block_and_ends_after_an_error() -> None:
    model = used_network()
    before = state(model)
    with evaluation_mode(model, CPU):
        assert not any(module.training for module in model.modules())
        assert not any(p.requires_grad or p.grad is not None for p in model.parameters())
    assert state(model) == before
    with pytest.raises(ZeroDivisionError), evaluation_mode(model, CPU):
        1 // 0  # noqa: B018
    assert state(model) == before


def test_networks_that_share_submodules_are_restored_by_the_last_user() -> None:
    model = used_network()
    before = state(model)
    body = model.get_submodule("body")
    whole, part = evaluation_mode(model, CPU), evaluation_mode(body, CPU)
    with whole:
        part.__enter__()
    assert model.training
    assert not body.training
    part.__exit__(None, None, None)
    assert state(model) == before


class Writing(nn.Module):
    """Writes its buffers and changes a mode in every forward pass."""

    def __init__(self, fails: bool = False) -> None:
        super().__init__()
        self.fails = fails
        self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
        self.calls = nn.Buffer(torch.zeros(()))
        self.seen = nn.Buffer(torch.zeros(0))
        self.book = nn.Buffer(torch.ones(4))

    def forward(self, x: Tensor) -> Tensor:
        self.norm.train()
        y: Tensor = self.norm(self.conv(x))
        setattr(self, "calls", self.calls + 1)  # noqa: B010
        self.seen.data = torch.full((4,), 7.0)
        self.book.add_(1)
        self.conv.weight = nn.Parameter(self.conv.weight.detach().clone())
        if self.fails and self.calls > 5:
            raise KeyError("no more")
        return y


@pytest.mark.parametrize("mode", ["auto", "plain"])
@pytest.mark.parametrize("fails", [False, True])
def test_buffers_and_modes_that_a_forward_pass_changes_are_restored(mode: str, fails: bool) -> None:
    model = Writing(fails)
    before, shape = state(model), model.seen.shape
    buffers = {name: id(buffer) for name, buffer in model.named_buffers()}
    phi = Layer(model, "norm", COLOR)
    if fails:
        whole = Layer(nn.Sequential(model), "0", COLOR)
        with pytest.raises(ValueError, match="KeyError: 'no more'"):
            invert(whole, photo(), settings=SHORT, execution=Execution(mode))
    else:
        invert(phi, photo(), settings=SHORT, execution=Execution(mode))
        phi(random_image(1, 3, 9, 9).float())
    assert state(model) == before
    assert model.seen.shape == shape
    assert {name: id(buffer) for name, buffer in model.named_buffers()} == buffers


class Switched(nn.Module):
    """Has a mode of its own, merges weights and counts its calls in evaluation mode."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu = nn.Conv2d(3, 4, 3), nn.ReLU()
        self.factor, self.switches = 3.0, [0]

    def train(self, mode: bool = True) -> Switched:
        super().train(mode)
        self.switches[0] += 1
        self.factor = 3.0 if mode else 1.0
        with torch.no_grad():
            self.conv.weight.mul_(0.3 if mode else 1 / 0.3)
        return self

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.relu(self.factor * self.conv(x))
        return y


class Deployed(nn.Module):
    """Is deployed by `eval` alone."""

    deploy = False

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu = nn.Conv2d(3, 4, 3), nn.ReLU()

    def eval(self) -> Deployed:
        self.deploy = True
        return super().eval()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.relu(self.conv(x) if self.deploy else 5 * self.conv(x))
        return y


@pytest.mark.parametrize("kind", [Switched, Deployed])
def test_own_train_and_eval_are_called_and_undone(kind: type[nn.Module]) -> None:
    model, x = kind(), random_image(1, 3, 9, 9).float()
    inside = copy.deepcopy(model)
    before = state(model), {k: v for k, v in vars(model).items() if not k.startswith("_")}
    expected = copy.deepcopy(model).eval()(COLOR.to_network(x))
    for mode in ("auto", "plain"):
        phi = Layer(model, "relu", COLOR)
        torch.testing.assert_close(phi(x), expected)
        with phi.session(CPU, Execution(mode)), phi.session(CPU):
            torch.testing.assert_close(phi(x), expected)
            torch.testing.assert_close(Layer(model, "relu", COLOR)(x), expected)
        assert (state(model), {k: v for k, v in vars(model).items() if k[0] != "_"}) == before
    wrapped = nn.Sequential(inside)
    expected = copy.deepcopy(wrapped).eval()(COLOR.to_network(x))
    torch.testing.assert_close(Layer(wrapped, "0", COLOR)(x), expected)


def test_an_error_of_an_own_eval_is_one_line() -> None:
    class Refusing(nn.Module):
        def eval(self) -> Refusing:
            raise KeyError("no")

    with pytest.raises(ValueError, match=r"Refusing\.eval fails: KeyError: 'no'(\n|$)"):
        Layer(Refusing(), "output", COLOR)(torch.zeros(1, 3, 9, 9))


def test_a_network_or_device_without_values_is_named() -> None:
    lazy = nn.Sequential(nn.LazyConv2d(4, 3))
    with pytest.raises(ValueError, match=r"^0\.weight of Sequential has no shape yet: run "):
        Layer(lazy, "0", COLOR).code_shape(9, 9)
    with pytest.raises(ValueError, match=r"^stem\.0\.weight of ResNet is on the device meta, "):
        Layer(resnet().to("meta"), "stem", COLOR).code_shape(32, 32)
    model = resnet()
    before = state(model)
    for phi in (Layer(model, "stem", COLOR), HOG()):
        with pytest.raises(ValueError, match="device meta have no values: compute on cpu or cuda"):
            invert(phi, photo(), device="meta")
    assert state(model) == before


def test_autocast_and_inference_mode_of_the_user_change_no_result() -> None:
    for phi in (Layer(resnet(), "body", COLOR), HOG()):
        expected = invert(phi, photo(), settings=SHORT)
        code = phi.encode(expected.images)
        with torch.autocast("cpu", torch.bfloat16):
            cast = invert(phi, photo(), settings=SHORT)
            assert torch.equal(phi.encode(expected.images), code)
        with torch.inference_mode():
            inferred = invert(phi, photo(), settings=SHORT)
            assert phi.code_shape(32, 32) == expected.codes.shape[1:]
        for found in (cast, inferred):
            assert torch.equal(found.images, expected.images)
            assert found.ssim is not None
            assert expected.ssim is not None
            assert torch.equal(found.ssim, expected.ssim)
    with torch.inference_mode(), ordinary_torch():
        assert not torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()


def test_a_network_made_in_inference_mode_gives_the_same() -> None:
    model = resnet()
    expected = invert(Layer(model, "body", COLOR), photo(), settings=SHORT)
    with torch.inference_mode():
        made = resnet()
        made.load_state_dict(model.state_dict())
    weights = {name: id(tensor) for name, tensor in made.named_parameters()}
    for mode in ("auto", "plain"):
        phi = Layer(made, "body", COLOR)
        found = invert(phi, photo(), settings=SHORT, execution=Execution(mode))
        if mode == "auto":
            assert torch.equal(found.images, expected.images)
        assert phi.receptive_field == Layer(model, "body", COLOR).receptive_field
    assert {name: id(tensor) for name, tensor in made.named_parameters()} == weights


def in_threads(works: list[Callable[[], Tensor]]) -> list[Tensor]:
    """What each of the works returns in a thread of its own, all at once."""
    found: list[Tensor | None] = [None] * len(works)
    together = threading.Barrier(len(works))

    def do(n: int) -> None:
        together.wait()
        found[n] = works[n]()

    threads = [threading.Thread(target=do, args=(n,)) for n in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [tensor for tensor in found if tensor is not None]


@pytest.mark.parametrize("mode", ["auto", "plain"])
@pytest.mark.parametrize("shared", ["model", "layer", "nothing"])
def test_four_threads_get_what_each_would_alone(mode: str, shared: str) -> None:
    """With one model, one `Layer` or nothing in common; and the model is left as it was."""
    names = ["body"] * 4 if shared == "layer" else ["stem", "body", "head", "body.1.one"]
    models = [used_network() for _ in names] if shared == "nothing" else [used_network()] * 4
    phis = [Layer(model, name, COLOR) for model, name in zip(models, names, strict=True)]
    if shared == "layer":
        phis = [phis[0]] * 4

    def work(n: int) -> Callable[[], Tensor]:
        execution = Execution(mode)
        return lambda: invert(phis[n], photo(n), settings=SHORT, execution=execution).images

    before = [state(model) for model in models]
    alone = [work(n)() for n in range(4)]
    together = in_threads([work(n) for n in range(4)])
    assert len(together) == 4
    assert all(torch.equal(*pair) for pair in zip(together, alone, strict=True))
    assert [state(model) for model in models] == before


def test_threads_may_do_different_things_with_one_model() -> None:
    model = used_network()
    before = state(model)
    works: list[Callable[[], Tensor]] = [
        lambda: invert(Layer(model, "stem", COLOR), photo(), settings=SHORT).images,
        lambda: maximize(Layer(model, "body", COLOR), [1], maxima=[1.0], settings=SHORT).images,
        lambda: Layer(model, "head", COLOR)(photo()[None]).detach(),
        lambda: torch.tensor(Layer(model, "body.0", COLOR).code_shape(32, 32)),
    ]
    alone = [work() for work in works]
    together = in_threads(works)
    assert len(together) == 4
    assert all(torch.equal(*pair) for pair in zip(together, alone, strict=True))
    assert state(model) == before
