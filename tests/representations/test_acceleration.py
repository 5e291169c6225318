"""Every way to run a network computes the same."""

from __future__ import annotations

import pytest
import torch
from tests.representations.networks import COLOR, resnet, state
from tests.support import random_image
from torch import Tensor

from preimage.presets import NNPREIMAGE
from preimage.representations import acceleration
from preimage.representations.execution import Execution
from preimage.representations.layer import Layer
from preimage.visualizations import invert

CPU = torch.device("cpu")
TOLERANCES = {"bf16": (1e-2, 1e-1)}
"""Of codes and of gradients, as ||.|| / ||.||; else 1e-4."""


def evaluations(phi: Layer, accelerate: str, device: torch.device) -> list[Tensor]:
    """Codes and gradients of batches of two sizes, and codes without gradient."""
    results = []
    with phi.session(device, Execution(accelerate)):
        for count in (2, 1):
            x = torch.stack([random_image(3, 32, 32, seed=n) for n in range(count)])
            x = x.float().to(device).requires_grad_()
            code = phi(x)
            (gradient,) = torch.autograd.grad(code, x, torch.ones_like(code))
            results += [code.detach().clone(), gradient.clone()]
        with torch.no_grad():
            results += [phi(x.detach()), phi(x.detach() * 0.5)]
    return [result.cpu() for result in results]


def agree(phi: Layer, accelerate: str, device: torch.device) -> None:
    code, gradient = TOLERANCES.get(accelerate, (1e-4, 1e-4))
    results, references = (evaluations(phi, mode, device) for mode in (accelerate, "plain"))
    allowed = (code, gradient, code, gradient, code, code)
    for result, expected, tolerance in zip(results, references, allowed, strict=True):
        assert result.dtype == expected.dtype
        assert (result - expected).norm() <= tolerance * expected.norm()


@pytest.mark.parametrize("layer", ["stem", "body.1", "head"])
@pytest.mark.parametrize("accelerate", ["auto", "bf16"])
def test_the_accelerated_network_is_the_plain_one(layer: str, accelerate: str) -> None:
    agree(Layer(resnet(), layer, COLOR), accelerate, CPU)


@pytest.mark.filterwarnings("ignore::Warning")  # of torch's own code while it compiles
def test_the_compiled_network_is_the_plain_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch._inductor.config, "compile_threads", 1)
    network = resnet()
    before = state(network)
    agree(Layer(network, "stem", COLOR), "compile", CPU)
    assert state(network) == before


@pytest.mark.parametrize("module", ["torch.compile", f"{acceleration.__name__}._graphed"])
@pytest.mark.parametrize(("layer", "has_branches"), [("stem", False), ("body.1", True)])
def test_a_recorded_pass_runs_only_where_no_branch_is_to_be_weakened(
    module: str, layer: str, has_branches: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the recording would hide the branches, and the gradient would be another."""
    monkeypatch.setattr(module, lambda run: lambda x: {name: y * 1 for name, y in run(x).items()})
    monkeypatch.setattr(Execution, "check", lambda *_: None)
    accelerate = "compile" if module == "torch.compile" else "graph"
    photo = random_image(3, 32, 32).float().div(255).add(0.5)
    settings = NNPREIMAGE.replace(branch_gradient=0.4).with_steps(3)
    images, modes = [], []
    for mode in ("auto", accelerate):
        phi = Layer(resnet(), layer, COLOR)
        found = invert(phi, photo, settings=settings, execution=Execution(mode, threads=1))
        images.append(found.images)
        modes.append(found.ran.mode)
    assert torch.equal(*images)
    assert modes == ["eager", "eager" if has_branches else accelerate]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.filterwarnings("ignore::Warning")  # of torch's own code while it compiles
@pytest.mark.parametrize("accelerate", ["auto", "compile", "graph", "bf16"])
def test_on_a_gpu_each_way_computes_the_same(accelerate: str) -> None:
    agree(Layer(resnet(), "body.1", COLOR), accelerate, torch.device("cuda"))
