"""What torch is set to while something is computed on a GPU, and what that is good for."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import torch
from tests.representations.networks import COLOR, resnet
from tests.support import random_image

import preimage
from preimage.presets import MODERN, NNPREIMAGE
from preimage.representations.layer import Layer
from preimage.representations.repeatable import repeatable

GPU = torch.device("cuda")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def settings() -> dict[str, Any]:
    cudnn: Any = torch.backends.cudnn
    deterministic: Any = torch.utils.deterministic
    products: Any = torch.backends.cuda.matmul
    return {
        "convolutions": cudnn.conv.fp32_precision,
        "recurrent": cudnn.rnn.fp32_precision,
        "products": products.fp32_precision,
        "cudnn": (cudnn.deterministic, cudnn.benchmark),
        "fills": deterministic.fill_uninitialized_memory,
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "warns": torch.is_deterministic_algorithms_warn_only_enabled(),
    }


INSIDE = {
    "convolutions": "ieee", "recurrent": "ieee", "products": "ieee", "cudnn": (True, False),
    "fills": False, "deterministic": True, "warns": True,
}  # fmt: skip


@pytest.fixture
def _others() -> Iterator[None]:
    """Settings that a user has, other than torch's own."""
    with warnings.catch_warnings(), ExitStack() as undo:
        undo.callback(torch.set_float32_matmul_precision, torch.get_float32_matmul_precision())
        undo.callback(setattr, torch.backends.cudnn, "benchmark", torch.backends.cudnn.benchmark)
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.benchmark = True
        yield


@pytest.mark.usefixtures("_others")
def test_settings_hold_until_the_last_block_ends_and_are_then_the_users_again() -> None:
    before = settings()
    assert before != INSIDE
    first, second = repeatable(GPU), repeatable(GPU)
    with first:
        assert settings() == INSIDE
        second.__enter__()
    assert settings() == INSIDE
    second.__exit__(None, None, None)
    assert settings() == before


@pytest.mark.usefixtures("_others")
def test_nothing_is_set_for_a_cpu_and_all_is_restored_after_an_error() -> None:
    before = settings()
    with repeatable(torch.device("cpu")):
        assert settings() == before
    with pytest.raises(ValueError, match="of the block"), repeatable(GPU):
        raise ValueError("of the block")
    assert settings() == before


@needs_gpu
@pytest.mark.parametrize("name", ["hog", "hogb", "dsift", "network"])
def test_on_a_gpu_an_inversion_repeats_bit_for_bit(name: str) -> None:
    layer = Layer(resnet(), "body.1", COLOR)
    phi = layer if name == "network" else preimage.representation(name)
    constants = preimage.settings_for(phi, "draft")
    photo = random_image(3, 64, 64).float().div(255).add(0.5)
    first, second = (
        preimage.invert(phi, photo, settings=constants, seeds=[0, 1], device="cuda")
        for _ in range(2)
    )
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.codes, second.codes)


@needs_gpu
@pytest.mark.parametrize("constants", [MODERN, NNPREIMAGE], ids=["modern", "nnpreimage"])
def test_on_a_gpu_a_maximization_repeats_bit_for_bit(constants: preimage.Settings) -> None:
    phi = Layer(resnet(), "body.1", COLOR)
    first, second = (
        preimage.maximize(phi, 3, settings=constants.with_steps(20), size=64, device="cuda")
        for _ in range(2)
    )
    assert torch.equal(first.images, second.images)


@needs_gpu
def test_codes_of_a_gpu_are_those_of_the_cpu_up_to_float32() -> None:
    phi = Layer(resnet(), "head", COLOR)
    images = torch.stack([random_image(3, 64, 64, seed=n).float() for n in range(3)])
    expected = phi.encode(images)
    with phi.session(GPU):
        found = phi.encode(images.cuda()).cpu()
    assert (found - expected).norm() <= 1e-5 * expected.norm()
